import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../scripts/run.ts';

/* The first command of a newcomer, `npm ci`, with what their machine brings along. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let folder: string;

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'everpost-install-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['is extraneous', { extraneous: true, os: ['aix'], cpu: ['ppc64'] }],
  ['is for some systems only, but not optional', { dev: true, os: ['aix'] }],
])('a lock file with an entry that npm 10 cannot install is refused: it %s', async (why, entry) => {
  const lock = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8'));
  lock.packages['node_modules/vitest/node_modules/some-esbuild'] = { version: '1.0.0', ...entry };
  const file = join(folder, 'package-lock.json');
  writeFileSync(file, JSON.stringify(lock));
  const checking = run([process.execPath, 'scripts/check-lock.ts', file], { cwd: ROOT });
  await expect(checking).rejects.toThrow(`node_modules/vitest/node_modules/some-esbuild ${why}`);
});

test('npm 10 can install the lock file of this repository', async () => {
  expect(await run([process.execPath, 'scripts/check-lock.ts'], { cwd: ROOT })).toBe('');
});
