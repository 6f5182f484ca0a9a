import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startChild, type Child } from '../stack/child.ts';
import { createWorld, until, type World } from './world.ts';

/* Everpost started by npm can be ended by npm: a signal to npm reaches the process, and npm ends after it. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let world: World;

beforeAll(async () => void (world = await createWorld({ worker: false })));
afterAll(() => world.close());

function startByNpm(script: string, env: Record<string, string>): Promise<Child> {
  return startChild({
    name: script,
    command: ['npm', 'run', script],
    cwd: ROOT,
    logFile: join(world.dir, `${script.replace(':', '-')}.log`),
    env: { ...world.env, ...env },
    killAfterMs: 40_000,
  });
}

/** The process that wrote this line to its log. */
async function writerOf(child: Child, message: string): Promise<number> {
  return until(`"${message}"`, async () => {
    const lines = readFileSync(child.logFile, 'utf8').split('\n');
    const line = lines.find((text) => text.startsWith('{') && text.includes(message));
    return line === undefined ? null : JSON.parse(line).pid;
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each([
  ['start:server', 'SIGTERM', 'Server listening'],
  ['start:server', 'SIGINT', 'Server listening'],
  ['start:worker', 'SIGTERM', 'worker started'],
  ['start:worker', 'SIGINT', 'worker started'],
] as const)('npm run %s ends with %s, and leaves nothing running', async (script, signal, message) => {
  const npm = await startByNpm(script, { PORT: '0' });
  const pid = await writerOf(npm, message);
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  expect(isAlive(pid)).toBe(true);
  process.kill(npm.pid, signal);
  await npm.exited;
  // npm ends with its child, not before: no process is left to end later.
  expect(isAlive(pid)).toBe(false);
});
