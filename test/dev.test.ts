import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startChild, type Child } from '../stack/child.ts';
import { environment } from '../stack/environment.ts';
import { run } from '../stack/run.ts';
import { type Json, until } from './world.ts';

/* A newcomer's hour: `npm run dev` with an empty home, and the commands of README.md beside it. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let home: string;
let state: string;
let dev: Child;
let said: string;

beforeAll(async () => {
  // As in every container that runs as root, only the owner may enter it. Its name has characters special to shells,
  // URLs and bundlers.
  home = mkdtempSync(join(tmpdir(), 'everpost-dev-'));
  state = join(home, 'state of $HOME "100%" #1 `x`!');
  const cache = environment['XDG_CACHE_HOME'] ?? join(environment['HOME'] ?? '', '.cache');
  dev = await startChild({
    name: 'dev',
    command: ['npm', 'run', 'dev'],
    cwd: ROOT,
    logFile: join(home, 'dev.log'),
    env: { PATH: environment['PATH'], HOME: home, XDG_CACHE_HOME: cache, EVERPOST_DIR: state },
    killAfterMs: 60_000,
  });
  said = await until(
    'npm run dev',
    async () => {
      const text = readFileSync(dev.logFile, 'utf8');
      if (!dev.isRunning()) throw new Error(`npm run dev has ended:\n${text}`);
      return text.includes('Ctrl-C ends it all') ? text : null;
    },
    300_000,
  );
}, 320_000);

afterAll(async () => {
  await dev?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** The value printed after a name. */
function printed(name: string): string {
  return new RegExp(`^  ${name} +(\\S+)`, 'm').exec(said)?.[1] ?? '';
}

test('the curl lines of README.md work as written, and end with a published post', async () => {
  const readme = readFileSync(`${ROOT}README.md`, 'utf8');
  const section = /^## Publish with curl$([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
  const block = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, lines]) => lines).join('');
  expect(block).toContain('/api/tiktok/upload');
  const output = await run(['/bin/sh', '-eu', '-c', block], {
    cwd: ROOT,
    env: { ...environment, EVERPOST: printed('API'), KEY: printed('API key') },
    timeout: 150_000,
  });
  expect(output).toContain('event: post');
  expect(output.trimEnd().split('\n').at(-1)).toContain('"state":"published"');
});

test('its consents ask for what copying needs: the sandbox’s apps have every scope', async () => {
  const response = await fetch(`${printed('API')}/api/accounts`, {
    headers: { authorization: `Bearer ${printed('API key')}` },
  });
  const { data }: { data: { capabilities: string[] }[] } = JSON.parse(await response.text());
  expect(data).not.toEqual([]);
  for (const account of data) expect(account.capabilities).toContain('read_insights');
});

test('everything that it keeps is below EVERPOST_DIR', () => {
  expect(readdirSync(state)).toContainEqual(expect.stringMatching(/^temporal-[\d.]+\.db$/));
  expect(readdirSync(home).filter((name) => name.startsWith('state'))).toEqual([basename(state)]);
});

test('the admin key is where the README says', async () => {
  const file = /admin key +(.+)/.exec(said)?.[1] ?? '';
  expect(file).toBe(join(state, 'admin-key'));
  const response = await fetch(`${printed('API')}/api/debug/events`, {
    headers: { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` },
  });
  expect(response.status).toBe(200);
});

test('the error about another platform’s account names that platform', async () => {
  const headers = { authorization: `Bearer ${printed('API key')}`, 'content-type': 'application/json' };
  const listed = await fetch(`${printed('API')}/api/accounts`, { headers });
  const { data }: Json = await listed.json();
  const threads = data.find(({ provider }: Json) => provider === 'threads');
  const body = { accountId: threads?.id, source: 'FILE_UPLOAD', mediaId: threads?.id, mode: 'inbox' };
  const answer = await fetch(`${printed('API')}/api/tiktok/upload`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({
    error: {
      code: 'account_not_found',
      message: expect.stringContaining('this is an account of threads, not of tiktok'),
      details: { provider: 'threads' },
    },
  });
});

test('SIGTERM to npm ends everything', async () => {
  const children: { pid: number }[] = JSON.parse(readFileSync(join(state, 'children.json'), 'utf8'));
  expect(children.length).toBeGreaterThan(4);
  process.kill(dev.pid, 'SIGTERM');
  await dev.exited;
  for (const { pid } of children) expect(existsSync(`/proc/${pid}`)).toBe(false);
  expect(existsSync(join(state, 'lock'))).toBe(false);
});
