import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environment } from '../stack/environment.ts';
import { run } from '../stack/run.ts';

/* What an operator sees when a process cannot start: a sentence, never our stack trace. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const taken = createServer();
let dir: string;
let port: number;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'everpost-start-'));
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => {
  taken.close();
  rmSync(dir, { recursive: true, force: true });
});

/** The output of a process that must not start. */
async function complaintOf(script: string, changes: Record<string, string>): Promise<string> {
  const env = {
    PATH: environment['PATH'],
    EVERPOST_DIR: dir,
    DATABASE_URL: `postgres://nobody:nothing@127.0.0.1:1/none`,
    EVERPOST_KEYRING: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    EVERPOST_ADMIN_KEY: 'an-admin-key-of-enough-characters',
    TEMPORAL_CONFIG_FILE: '',
    ...changes,
  };
  const ended = await run([process.execPath, script], { cwd: ROOT, env, timeout: 60_000 }).catch(
    (error: unknown) => error,
  );
  if (!(ended instanceof Error)) throw new Error(`${script} did not fail: ${String(ended)}`);
  return ended.message;
}

test.each<[string, Record<string, string>, string[]]>([
  [
    'server.ts',
    { EVERPOST_MEDIA: 's3://bucket', TEMPORAL_TLS: 'yes', PORT: 'x' },
    ['not supported yet', 'TEMPORAL_TLS', 'PORT'],
  ],
  [
    'worker.ts',
    { EVERPOST_MEDIA: 's3://bucket', TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere' },
    ['not supported yet', 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
  ],
  [
    'worker.ts',
    { EVERPOST_KEYRING_FILE: '/nowhere' },
    ['EVERPOST_KEYRING and EVERPOST_KEYRING_FILE are both set'],
  ],
])('%s with %j names all problems at once', async (script, changes, expected) => {
  const complaint = await complaintOf(script, changes);
  for (const part of expected) expect(complaint).toContain(part);
  expect(complaint).not.toMatch(/\n\s+at /);
});

test.each([
  ['a port that is taken', () => ({ PORT: String(port) })],
  ['an address that is not ours', () => ({ HOST: '192.0.2.1', PORT: '0' })],
  ['a name that is none', () => ({ HOST: 'nowhere.invalid', PORT: '0' })],
])('a server that cannot listen, because of %s, says so', async (_why, changes) => {
  const complaint = await complaintOf('server.ts', changes());
  expect(complaint).toContain('The API cannot listen on HOST and PORT');
  expect(complaint).not.toMatch(/\n\s+at /);
});

test('db:migrate says in one sentence why it could not reach the database', async () => {
  const complaint = await complaintOf('scripts/migrate.ts', {});
  expect(complaint).toContain('The database was not migrated: connect ECONNREFUSED');
  expect(complaint).not.toMatch(/\n\s+at /);
});
