import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localKeyProvider, parseKeyring } from '../crypto/keys.ts';
import { openDatabase } from '../db/client.ts';
import { thisInstallation } from '../db/installation.ts';
import { takeNamespace } from '../temporal/namespace.ts';
import { cloneDatabase, createWorld, until, type World } from './world.ts';

/* `npm run doctor` beside a running installation, and beside broken ones. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let world: World;

beforeAll(async () => {
  world = await createWorld();
  // An account has a data key.
  await world.connect();
  // A request with an Idempotency-Key needs the secret of the installation.
  const headers = { 'idempotency-key': 'first' };
  await world.call('POST', '/api/connect-links', { headers, body: { provider: 'tiktok' } });
  await until('the media folder to be marked', async () =>
    existsSync(join(world.dir, 'media', '.everpost-media')) ? true : null,
  );
});
afterAll(() => world?.close());

/**
 * The doctor's output, and whether it succeeded.
 * @param under a command that runs it in a modified environment
 */
async function doctor(
  changes: Record<string, string> = {},
  under: readonly string[] = [],
): Promise<{ well: boolean; lines: string[] }> {
  const [program, ...args] = [...under, process.execPath, 'scripts/doctor.ts'];
  const env = { ...world.env, ...changes };
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(program, args, { cwd: ROOT, env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    );
  });
  for (const secret of [...Object.values(world.secrets), new URL(world.env.DATABASE_URL).password])
    expect(output).not.toContain(secret);
  expect(output).not.toContain('    at ');
  expect([0, 1]).toContain(code);
  return { well: code === 0, lines: output.split('\n') };
}

/** Its lines about a subject. */
const of = (subject: string, lines: readonly string[]): string =>
  lines.filter((line) => line.includes(` ${subject}: `)).join('\n');

test('a correct installation has no problems', async () => {
  const { well, lines } = await doctor();
  expect(lines.filter((line) => line.includes('FAILURE'))).toEqual([]);
  expect(well).toBe(true);
  expect(of('settings', lines)).toContain('tiktok, instagram, threads');
  expect(of('database', lines)).toMatch(/ok .*PostgreSQL \d+/);
  expect(of('database', lines)).toContain('ok      database: the schema is that of this version');
  expect(of('database', lines)).toContain('ok      database: the clock of PostgreSQL agrees');
  expect(of('temporal', lines)).toContain(`has the namespace ${world.name}`);
  expect(of('temporal', lines)).toContain('ok      temporal: workers ask for work');
  expect(of('media', lines)).toMatch(/ok .*mark of this installation[\s\S]*ok .*can be written, .* free/);
  expect(of('temporal', lines)).toContain('ok      temporal: the clock of Temporal agrees');
  expect(of('keys', lines)).toContain('ok      keys: the keyring opens the secret');
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
    /rejects the password: check DATABASE_URL.*user .*at 127\.0\.0\.1/,
  ],
  [
    'the database is empty',
    () => ({ DATABASE_URL: changed('pathname', '/postgres') }),
    'database',
    /no tables of Everpost in its search_path: run "npm run db:migrate"/,
  ],
  [
    'Temporal is away',
    () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }),
    'temporal',
    /does not answer at 127\.0\.0\.1:1: check TEMPORAL_ADDRESS/,
  ],
  [
    'it is not said where Temporal is',
    () => ({ TEMPORAL_ADDRESS: '' }),
    'temporal',
    /FAILURE .* at localhost:7233 \(TEMPORAL_ADDRESS is not set\)/,
  ],
  [
    'the namespace is missing',
    () => ({ TEMPORAL_NAMESPACE: 'nowhere' }),
    'temporal',
    /temporal operator namespace create --address \S+ --namespace nowhere/,
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
])('if %s, it says what to do, and checks the rest', async (_what, changes, subject, advice) => {
  const { well, lines } = await doctor(changes());
  expect(well).toBe(false);
  expect(of(subject, lines)).toMatch(advice);
  const touched = subject === 'database' ? ['database', 'keys', 'media'] : [subject];
  const others = ['settings', 'database', 'temporal', 'media', 'keys'].filter(
    (one) => !touched.includes(one),
  );
  for (const other of others) expect(of(other, lines)).not.toContain('FAILURE');
});

test('if settings are missing, it checks what the others configure', async () => {
  const { well, lines } = await doctor({ DATABASE_URL: '', EVERPOST_ADMIN_KEY: '' });
  expect(well).toBe(false);
  expect(of('settings', lines)).toMatch(/DATABASE_URL[\s\S]*EVERPOST_ADMIN_KEY/);
  expect(of('database', lines)).toContain('not examined');
  expect(of('temporal', lines)).toContain('workers ask for work');
  expect(of('media', lines)).toContain('can be written');
});

test('a media folder that is not the servers’ is a failure, and so is a file', async () => {
  const missing = await doctor({ EVERPOST_MEDIA: `file:${join(world.dir, 'not-mounted')}` });
  expect(missing.well).toBe(false);
  expect(of('media', missing.lines)).toMatch(
    /FAILURE .*not-mounted: .*is missing, or is not the one.*Mount it/,
  );
  mkdirSync(join(world.dir, 'foreign'), { recursive: true });
  writeFileSync(join(world.dir, 'foreign', '.everpost-media'), 'another');
  const foreign = await doctor({ EVERPOST_MEDIA: `file:${join(world.dir, 'foreign')}` });
  expect(foreign.well).toBe(false);
  expect(of('media', foreign.lines)).toMatch(/FAILURE .*belongs to another installation. Set EVERPOST_MEDIA/);
  mkdirSync(join(world.dir, 'odd'), { recursive: true });
  writeFileSync(join(world.dir, 'odd', 'media'), '');
  const file = await doctor({ EVERPOST_MEDIA: `file:${join(world.dir, 'odd', 'media')}` });
  expect(file.well).toBe(false);
  expect(of('settings', file.lines)).toMatch(/FAILURE .*EVERPOST_MEDIA must name a folder/);
});

test('before the first server, a folder that can be created is a warning, otherwise a failure', async () => {
  const database = { DATABASE_URL: await databaseAfter('update installation set media_marked_at = null') };
  const fresh = await doctor({ ...database, EVERPOST_MEDIA: `file:${join(world.dir, 'new', 'media')}` });
  expect(of('media', fresh.lines)).toMatch(/warning .*does not exist, and the first server makes it/);
  const proc = await doctor({ ...database, EVERPOST_MEDIA: 'file:/proc/1/media' });
  expect(of('media', proc.lines)).toMatch(/FAILURE .*cannot be made: make it/);
});

/** Runs the doctor with mounts that only it sees; root is not bound by modes. */
const mounted = (how: string): string[] => ['unshare', '-rm', 'sh', '-c', `${how}; exec "$0" "$@"`];

test.runIf(canMount())('a full or read-only media folder is a failure that says so', async () => {
  const folder = join(world.dir, 'media');
  const bind = `mount --bind '${folder}' '${folder}' && mount -o remount,ro,bind '${folder}'`;
  const readOnly = await doctor({}, mounted(bind));
  expect(readOnly.well).toBe(false);
  expect(of('media', readOnly.lines)).toMatch(/FAILURE .*cannot be written to. Check its owner/);
  const mark = readFileSync(join(folder, '.everpost-media'), 'utf8').trim();
  const small = `mount -t tmpfs -o size=1m tmpfs '${folder}' && echo ${mark} > '${folder}/.everpost-media'`;
  const full = await doctor({}, mounted(`${small}; head -c 2m /dev/zero > '${folder}/big' 2> /dev/null`));
  expect(full.well).toBe(false);
  expect(of('media', full.lines)).toMatch(/FAILURE .*is full. Free some space/);
});

test.for<[string, string, boolean, RegExp]>([
  [
    'an older schema',
    'delete from __drizzle_migrations where id > 3',
    false,
    /FAILURE .*older schema .*npm run db:migrate/,
  ],
  [
    'a newer schema',
    `insert into __drizzle_migrations (hash, created_at) values ('later', 9000000000000)`,
    true,
    /warning .*newer version has migrated/,
  ],
  ['a lost table', 'drop table quota_limits', false, /FAILURE .*quota_limits.*restore/],
])('%s is reported with the remedy', async ([, statement, well, words]) => {
  const said = await doctor({ DATABASE_URL: await databaseAfter(statement) });
  expect(of('database', said.lines)).toMatch(words);
  expect(said.well).toBe(well);
});

test('a role without rights is reported with the rights to grant', async () => {
  const role = `limited_${randomBytes(4).toString('hex')}`;
  const url = new URL(await databaseAfter(`create role ${role} login password 'limited'`));
  Object.assign(url, { username: role, password: 'limited' });
  const { well, lines } = await doctor({ DATABASE_URL: url.href });
  await world.database.db.execute(sql.raw(`drop role ${role}`));
  expect(well).toBe(false);
  expect(of('database', lines)).toMatch(
    new RegExp(`FAILURE .*${role} may not read and write .* and \\d+ more: grant select`),
  );
  expect(of('database', lines)).toMatch(/warning .*may not create tables .*db:migrate/);
});

test('a missing key of the installation’s secret is noticed even if no account has a key', async () => {
  const lost = localKeyProvider(parseKeyring(`lost:${randomBytes(32).toString('base64')}`));
  const url = await databaseAfter('update installation set kek_id = null, secret_wrapped = null');
  const database = openDatabase(url, 1);
  await thisInstallation(database.db, (secret) => lost.wrap(secret));
  await database.close();
  const { well, lines } = await doctor({ DATABASE_URL: url });
  expect(well).toBe(false);
  expect(of('keys', lines)).toMatch(/FAILURE .*the secret of the installation .*"lost".*A lost key/);
});

test('an installation without accounts has no unreadable keys', async () => {
  const url = await databaseAfter(
    `with gone as (delete from data_keys returning id) update oauth_accounts set access_token_encrypted = null,
      refresh_token_encrypted = null, data_key_id = null, status = 'reauth_required', status_reason = 'key_lost'
      where data_key_id in (select id from gone)`,
  );
  const { lines } = await doctor({ DATABASE_URL: url });
  expect(of('keys', lines)).toMatch(/ok .*there are no data keys yet; new ones get "k1"/);
});

test('the namespace of another installation, and one without search attributes, are reported', async () => {
  const other = await doctor({
    DATABASE_URL: await databaseAfter(
      'update installation set id = gen_random_uuid(), media_marked_at = null',
    ),
  });
  expect(other.well).toBe(false);
  expect(of('temporal', other.lines)).toMatch(/FAILURE .*belongs to installation .*namespace of its own/);

  const namespace = `n${randomBytes(6).toString('hex')}`;
  await world.connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const fresh = await until('the namespace to be there', async () => {
    const said = await doctor({ TEMPORAL_NAMESPACE: namespace });
    return of('temporal', said.lines).includes('no namespace') ? null : said;
  });
  expect(fresh.well).toBe(true);
  expect(of('temporal', fresh.lines)).toMatch(
    new RegExp(
      `warning .*EverpostUser.*search-attribute create --address \\S+ --namespace ${namespace} --name EverpostUser`,
    ),
  );
  const [row] = await world.database.db.execute<{ id: string }>(sql`select id from installation`);
  await takeNamespace(new Client({ connection: world.connection, namespace }), row?.id ?? '');
  const used = await doctor({ TEMPORAL_NAMESPACE: namespace });
  expect(used.well).toBe(false);
  expect(of('temporal', used.lines)).toMatch(/FAILURE .*search attributes are missing: EverpostUser/);
});

test.for([
  ['behind', 600_000],
  ['ahead of', -600_000],
] as const)(
  'a clock of this machine that is ten minutes off: those of PostgreSQL and Temporal are %s it',
  async ([how, ms]) => {
    const shift = `const now = Date.now; Date.now = () => now() + (${ms})`;
    const shifted = `data:text/javascript,${encodeURIComponent(shift)}`;
    const { well, lines } = await doctor({ NODE_OPTIONS: `--import ${shifted}` });
    expect(well).toBe(false);
    for (const [subject, name] of [
      ['database', 'PostgreSQL'],
      ['temporal', 'Temporal'],
    ] as const)
      expect(of(subject, lines)).toMatch(
        new RegExp(
          `FAILURE .*clock of ${name} is \\d+\\.\\d s ${how} this machine's: let both be set by NTP`,
        ),
      );
  },
);

test('missing certificates of Temporal are reported', async () => {
  const { well, lines } = await doctor({
    TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere/cert.pem',
    TEMPORAL_TLS_CLIENT_KEY_PATH: '/nowhere/key.pem',
  });
  expect(well).toBe(false);
  expect(of('settings', lines)).toMatch(/FAILURE .*TEMPORAL_TLS_CLIENT_CERT_PATH names a file that does not/);
  expect(of('temporal', lines)).toContain('fix the settings first');
});

test('a redirect URI that leads elsewhere and a mistyped name are warnings', async () => {
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

/** A separate, changed database: a copy of an empty one, with this installation's id. @returns its URL */
async function databaseAfter(statement: string): Promise<string> {
  const url = await cloneDatabase(`d${randomBytes(6).toString('hex')}`);
  const [row] = await world.database.db.execute<{ id: string }>(sql`select id from installation`);
  const database = openDatabase(url, 1);
  await database.db.execute(sql`insert into installation (id, media_marked_at) values (${row?.id}, now())`);
  await database.db.execute(statement);
  await database.close();
  return url;
}

/** Whether this system allows mounts that only one process sees. */
function canMount(): boolean {
  try {
    execFileSync('unshare', ['-rm', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
