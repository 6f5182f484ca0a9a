import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

/* `node scripts/make-secrets.ts`, which docker-compose.yml runs before everything else. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

function newFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const make = () => run(process.execPath, ['scripts/make-secrets.ts', folder], { cwd: ROOT });
  const files = () =>
    Object.fromEntries(
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => statSync(join(folder, name)).isFile())
        .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );
  return { folder, make, files };
}

test('secrets are created once, readable only by their owner, and existing ones become so too', async () => {
  const { folder, make, files } = newFolder();
  mkdirSync(join(folder, 'everpost'));
  writeFileSync(join(folder, 'everpost/tiktok_client_secret'), 'given', { mode: 0o644 });
  await make();
  const first = files();
  expect(Object.keys(first).toSorted()).toEqual([
    'admin/key',
    'database/password',
    'database/url',
    'everpost/keyring',
    'everpost/tiktok_client_secret',
  ]);
  expect(first['everpost/tiktok_client_secret']).toBe('given');
  for (const name of Object.keys(first)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o400);
  for (const name of ['.', 'admin', 'database', 'everpost'])
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o700);
  const { stdout } = await make();
  expect({ stdout, files: files() }).toEqual({ stdout: '', files: first });
});

test('a second run continues after a crash: the URL has the existing password, and no secret is cut short', async () => {
  const { folder, make, files } = newFolder();
  mkdirSync(join(folder, 'database'));
  mkdirSync(join(folder, 'everpost'));
  writeFileSync(join(folder, 'database/password'), 'kept/1\n');
  writeFileSync(join(folder, 'everpost/keyring.new'), 'k1:', { mode: 0o400 });
  await make();
  expect(files()).toMatchObject({
    'database/password': 'kept/1\n',
    'database/url': 'postgres://everpost:kept%2F1@postgres:5432/everpost',
    'everpost/keyring': expect.stringMatching(/^k1:.{44}$/),
  });
  expect(files()).not.toHaveProperty('everpost/keyring.new');
});
