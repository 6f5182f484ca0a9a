import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../scripts/run.ts';
import { createWorld, type World } from './world.ts';

/* `npm run doctor` beside a running installation, and beside ones that are half broken. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let world: World;

beforeAll(async () => {
  world = await createWorld();
  // An account has a data key.
  await world.connect();
});
afterAll(() => world.close());

/** What the doctor prints, and whether it ended well. */
async function doctor(changes: Record<string, string> = {}): Promise<{ well: boolean; lines: string[] }> {
  const command = [process.execPath, 'scripts/doctor.ts'];
  const said = await run(command, { cwd: ROOT, env: { ...world.env, ...changes }, timeout: 60_000 }).then(
    (output) => ({ well: true, output }),
    (error: Error) => ({ well: false, output: error.message }),
  );
  for (const secret of [...Object.values(world.secrets), new URL(world.env.DATABASE_URL).password])
    expect(said.output).not.toContain(secret);
  return { well: said.well, lines: said.output.split('\n') };
}

/** What it says of a subject. */
const of = (subject: string, lines: readonly string[]): string =>
  lines.filter((line) => line.includes(` ${subject}: `)).join('\n');

test('an installation that is right has nothing to be mended', async () => {
  const { well, lines } = await doctor();
  expect(lines.filter((line) => line.includes('FAILURE'))).toEqual([]);
  expect(well).toBe(true);
  expect(of('settings', lines)).toContain('tiktok, instagram, threads');
  expect(of('database', lines)).toMatch(/ok .*PostgreSQL \d+/);
  expect(of('database', lines)).toContain('ok      database: the schema is that of this version');
  expect(of('database', lines)).toContain('ok      database: the clock of PostgreSQL agrees');
  expect(of('temporal', lines)).toContain(`has the namespace ${world.name}`);
  expect(of('temporal', lines)).toContain('ok      temporal: workers ask for work');
  expect(of('media', lines)).toMatch(/ok .*can be written, .* GiB free/);
  expect(of('keys', lines)).toMatch(/ok .*opens all \d+ data keys/);
});

test.each<[string, () => Record<string, string>, string, RegExp]>([
  [
    'settings are wrong',
    () => ({ PORT: 'x', LOG_LEVEL: 'loud' }),
    'settings',
    /PORT must be[\s\S]*LOG_LEVEL must be/,
  ],
  [
    'nothing listens for the database',
    () => ({ DATABASE_URL: 'postgres://a:b@127.0.0.1:1/c' }),
    'database',
    /check DATABASE_URL/,
  ],
  [
    'the password is wrong',
    () => ({ DATABASE_URL: changed('password', 'wrong') }),
    'database',
    /password authentication failed.*check DATABASE_URL/,
  ],
  [
    'the database is empty',
    () => ({ DATABASE_URL: changed('pathname', '/postgres') }),
    'database',
    /no tables of Everpost: run "npm run db:migrate"/,
  ],
  [
    'Temporal is away',
    () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
    'temporal',
    /does not answer at 127\.0\.0\.1:1: check TEMPORAL_ADDRESS/,
  ],
  [
    'the namespace is missing',
    () => ({ TEMPORAL_NAMESPACE: 'nowhere' }),
    'temporal',
    /temporal operator namespace create --namespace nowhere/,
  ],
  [
    'the keyring is another one',
    () => ({ EVERPOST_KEYRING: `k1:${randomBytes(32).toString('base64')}` }),
    'keys',
    /1 data keys do not open: they need the key "k1"/,
  ],
  [
    'a key has left the keyring',
    () => ({ EVERPOST_KEYRING: `k2:${randomBytes(32).toString('base64')}` }),
    'keys',
    /they need the key "k1"/,
  ],
])('when %s, it says what to do, and examines the rest', async (_what, changes, subject, advice) => {
  const { well, lines } = await doctor(changes());
  expect(well).toBe(false);
  expect(of(subject, lines)).toMatch(advice);
  const touched = subject === 'database' ? ['database', 'keys'] : [subject];
  const others = ['settings', 'database', 'temporal', 'media', 'keys'].filter(
    (one) => !touched.includes(one),
  );
  for (const other of others) expect(of(other, lines)).not.toContain('FAILURE');
});

test('with settings missing, it examines what the others lead to', async () => {
  const { well, lines } = await doctor({ DATABASE_URL: '', EVERPOST_ADMIN_KEY: '' });
  expect(well).toBe(false);
  expect(of('settings', lines)).toMatch(/DATABASE_URL[\s\S]*EVERPOST_ADMIN_KEY/);
  expect(of('database', lines)).toContain('not examined');
  expect(of('temporal', lines)).toContain('workers ask for work');
  expect(of('media', lines)).toContain('can be written');
});

test('a media folder that is not there is a warning, one that is a file a failure', async () => {
  const missing = await doctor({ EVERPOST_MEDIA: `file:${join(world.dir, 'not-mounted')}` });
  expect(missing.well).toBe(true);
  expect(of('media', missing.lines)).toMatch(/warning .*does not exist.*mounted/);
  mkdirSync(join(world.dir, 'odd'), { recursive: true });
  writeFileSync(join(world.dir, 'odd', 'media'), '');
  const file = await doctor({ EVERPOST_MEDIA: `file:${join(world.dir, 'odd', 'media')}` });
  expect(file.well).toBe(false);
  expect(of('settings', file.lines)).toMatch(/FAILURE .*EVERPOST_MEDIA must name a folder/);
});

test('a redirect URI that leads elsewhere, and a mistyped name, are warnings', async () => {
  const { well, lines } = await doctor({
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: 'https://other.example.com/api/auth/tiktok/callback',
    EVERPOST_KEYRINGS: 'x',
  });
  expect(well).toBe(true);
  expect(of('settings', lines)).toMatch(/warning .*NEXT_PUBLIC_TIKTOK_REDIRECT_URI is not/);
  expect(of('settings', lines)).toMatch(/warning .*did you mean EVERPOST_KEYRING\?/);
});

function changed(part: 'password' | 'pathname', value: string): string {
  const url = new URL(world.env.DATABASE_URL);
  url[part] = value;
  return url.href;
}
