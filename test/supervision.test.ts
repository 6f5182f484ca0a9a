import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { type Child, startChild } from '../stack/child.ts';
import { environment } from '../stack/environment.ts';
import { ownPort } from './ports.ts';
import { createWorld, until, type World } from './world.ts';

/* No process ends silently: a fatal log line and an exit code tell its supervisor. */

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world?.close());

test.for(['server', 'worker'] as const)(
  'A %s with an error that nobody has caught says so in a fatal line with its cause, and ends with code 1.',
  async (role) => {
    const fault = join(world.dir, `${role}-fault.mjs`);
    writeFileSync(
      fault,
      `process.on('SIGWINCH', () => void Promise.reject(new Error('outer', { cause: new Error('the cause of it') })));\n`,
    );
    const child = await world.spawn(role, {
      PORT: String(await ownPort()),
      NODE_OPTIONS: `--import=${fault}`,
    });
    await until('it to be up', async () =>
      /listening|worker started/.test(child.logTail(50)) ? true : null,
    );
    process.kill(child.pid, 'SIGWINCH');
    expect(await child.exited).toBe('exit code 1');
    const fatal = child
      .logTail(50)
      .split('\n')
      .find((line) => line.startsWith('{"level":60,'));
    expect(fatal).toContain('uncaught error');
    expect(fatal).toContain('the cause of it');
  },
);

test('A process whose event loop hangs is killed by its watchdog, which says so.', async () => {
  const hangs = `
    const { watchEventLoop } = await import('./watchdog.ts');
    watchEventLoop(2);
    setTimeout(() => { for (;;); }, 500);`;
  const child = await run(hangs);
  expect(await child.exited).toBe('signal SIGKILL');
  expect(child.logTail()).toMatch(/"level":60,.*the event loop has not turned for 2 s/);
});

test('A process whose event loop runs is left alone by its watchdog, and ends when it is done.', async () => {
  const works = `
    const { watchEventLoop } = await import('./watchdog.ts');
    watchEventLoop(2);
    setTimeout(() => console.log('done'), 4_000);`;
  const child = await run(works);
  expect(await child.exited).toBe('exit code 0');
  expect(child.logTail()).toContain('done');
});

async function run(code: string): Promise<Child> {
  const child = await startChild({
    name: 'watched',
    command: [process.execPath, '--input-type=module', '--eval', code],
    logFile: join(inject('runDir'), `watched-${process.hrtime.bigint()}.log`),
    env: { PATH: environment['PATH'] },
  });
  onTestFinished(() => child.stop());
  return child;
}
