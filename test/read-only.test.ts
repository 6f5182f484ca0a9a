import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { startChild, type Child } from '../stack/child.ts';
import { run } from '../stack/run.ts';
import { createWorld, until, type World } from './world.ts';

/*
 * Containers with a read-only root file system: only the media store and, if there is one, EVERPOST_DIR are writable.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Root writes anywhere, unless it has dropped its capabilities. */
const POWERLESS = process.getuid?.() === 0 ? ['setpriv', '--inh-caps=-all', '--bounding-set=-all', '--'] : [];
let world: World;
let install: string;
let started: Child[] = [];

beforeAll(async () => {
  world = await createWorld({ worker: false });
  install = join(world.dir, 'install');
  for (const name of await sources()) cpSync(join(ROOT, name), join(install, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(install, 'node_modules'));
  mkdirSync(join(world.dir, 'home'));
  mkdirSync(join(world.dir, 'media'), { recursive: true });
});

afterAll(async () => {
  await Promise.all(started.map((child) => child.stop()));
  chmodSync(install, 0o755);
  chmodSync(join(world.dir, 'home'), 0o755);
  await world.close();
});

/** The contents of an image: everything that is not in .gitignore, without the tests. */
async function sources(): Promise<string[]> {
  const listed = await run(['git', 'ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  const names = new Set(listed.split('\n').map((file) => file.split('/')[0] ?? ''));
  return [...names].filter((name) => name !== 'test' && readdirSync(ROOT).includes(name));
}

/** A worker whose installation, home and temporary folder are read-only. */
async function startReadOnly(dir: string): Promise<Child> {
  const home = join(world.dir, 'home');
  for (const folder of [install, home]) chmodSync(folder, 0o555);
  const child = await startChild({
    name: 'worker',
    command: [...POWERLESS, process.execPath, 'worker.ts'],
    cwd: install,
    logFile: join(world.dir, `read-only-${started.length}.log`),
    env: {
      ...world.env,
      EVERPOST_DIR: dir,
      EVERPOST_MEDIA: `file:${join(world.dir, 'media')}`,
      HOME: home,
      TMPDIR: home,
    },
  });
  started.push(child);
  return child;
}

/** The worker's log field about the origin of its workflows. */
async function originOf(worker: Child): Promise<string> {
  return until('the worker to start', async () => {
    const log = readFileSync(worker.logFile, 'utf8');
    if (!worker.isRunning()) throw new Error(`the worker has ended:\n${log}`);
    const line = log.split('\n').find((text) => text.includes('worker started'));
    return line === undefined ? null : String(JSON.parse(line).workflows);
  });
}

test('without a built bundle and without EVERPOST_DIR, a worker ends and says what to do', async () => {
  const worker = await startReadOnly(join(install, 'nowhere'));
  expect(await worker.exited).toBe('exit code 1');
  const log = readFileSync(worker.logFile, 'utf8');
  expect(log).toContain('Run "npm run build:workflows"');
  expect(log).not.toMatch(/\n\s+at .*worker\.ts/);
});

test('the first worker keeps its bundle in EVERPOST_DIR, the next one uses it', async () => {
  const dir = join(world.dir, 'state');
  const first = await startReadOnly(dir);
  expect(await originOf(first)).toMatch(/^made now, kept as .*\/state\/workflows-[0-9a-f]+\.js$/);
  await first.stop();
  expect(readdirSync(dir)).toEqual([expect.stringMatching(/^workflows-[0-9a-f]+\.js$/)]);
  const second = await startReadOnly(dir);
  expect(await originOf(second)).toMatch(/^\/.*\/state\/workflows-[0-9a-f]+\.js$/);
  await second.stop();
});

test('with the built bundle, a worker needs nothing writable but the media store, and publishes', async () => {
  onTestFailed(() => world.tell());
  chmodSync(install, 0o755);
  await run([process.execPath, 'scripts/build-workflows.ts'], { cwd: install });
  const worker = await startReadOnly(join(install, 'nowhere'));
  expect(await originOf(worker)).toMatch(/\/install\/build\/workflows-[0-9a-f]+\.js$/);
  const accountId = await world.connect();
  const media = await world.upload();
  const post = await world.publish({ accountId, mediaId: media });
  expect((await world.untilPost(post.body.id, 'published')).state).toBe('published');
});
