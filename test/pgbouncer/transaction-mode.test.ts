import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, onTestFailed, onTestFinished, test } from 'vitest';
import { type Db, openDatabase } from '../../db/client.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { databaseProblem } from '../../db/problems.ts';
import { schemaState } from '../../db/state.ts';
import { run } from '../../stack/run.ts';
import { ownPort } from '../ports.ts';
import { createWorld, until, type World } from '../world.ts';
import { startPgBouncer } from './start.ts';

/* A PgBouncer without prepared statements, in transaction mode, between Everpost and PostgreSQL. */

type Bouncer = Awaited<ReturnType<typeof startPgBouncer>>;
let world: World;
let bouncer: Bouncer;
beforeAll(async () => {
  world = await createWorld();
  bouncer = await startPgBouncer(world.env.DATABASE_URL);
});
afterAll(async () => {
  await bouncer?.stop();
  await world?.close();
});

function open(url: string, max = 10): Db {
  const database = openDatabase(url, max);
  onTestFinished(() => database.close());
  return database.db;
}

const unique = (letter: string): string => `${letter}${randomBytes(6).toString('hex')}`;

test.for(['', '?pgbouncer=true', '?prepare=false', '?pgbouncer=true&schema=public'])(
  'Many queries and transactions of two processes share few connections, with the URL’s end %j.',
  async (parameters) => {
    const processes = [open(bouncer.url + parameters), open(bouncer.url + parameters)];
    for (let round = 0; round < 5; round += 1)
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const db = processes[index % 2];
          const list = ['a', null, 'b"\\,{}'];
          const read = sql`select ${sql.param(list)}::text[] as list, ${index}::int as index`;
          const rows = await (index % 3 === 0
            ? db?.transaction(async (tx) => {
                await tx.execute(sql`select pg_advisory_xact_lock(${index % 6})`);
                return tx.execute(read);
              })
            : db?.execute(read));
          expect(rows).toEqual([{ list, index }]);
        }),
      );
    const [left] = await world.database.db.execute<{ prepared: number }>(sql`
      select count(*)::int as prepared from pg_locks where locktype = 'advisory'`);
    expect(left?.prepared).toBe(0);
  },
);

test('Migrations, and the check of the schema, work through it for a role with rights on one schema.', async () => {
  const [name, role] = [unique('d'), unique('r')];
  const admin = new Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
  await admin.query(`create role ${role} login password 'pw'`);
  await admin.query(`create database ${name} template template0`);
  const own = new URL(inject('postgresUrl'));
  own.pathname = `/${name}`;
  const inside = new Client({ connectionString: own.href });
  await inside.connect();
  await inside.query(`revoke all on schema public from public; create schema app authorization ${role}`);
  await inside.end();
  own.username = role;
  own.password = 'pw';
  const theirs = await startPgBouncer(own.href);
  onTestFinished(async () => {
    await theirs.stop();
    await admin.query(`drop database ${name} with (force)`);
    await admin.query(`drop role ${role}`);
    await admin.end();
  });
  // A pooler accepts no options: the role must have the URL's schema, and the error says so.
  for (const parameters of ['?schema=app', '?schema=app&pgbouncer=true'])
    expect(await databaseProblem(open(theirs.url + parameters))).toMatch(/search_path|alter role|no tables/);

  await admin.query(`alter role ${role} set search_path = app`);
  // The pooler's connections were made before.
  await admin.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1`, [
    role,
  ]);
  // It notices each only when it uses it.
  await until('the pooler to have new ones', async () =>
    migrateDatabase(theirs.url).then(
      () => true,
      () => null,
    ),
  );
  for (const parameters of ['?schema=app', '?schema=app&pgbouncer=true', ''])
    await migrateDatabase(theirs.url + parameters);
  for (const parameters of ['?schema=app', '?pgbouncer=true', ''])
    expect(await schemaState(open(theirs.url + parameters))).toEqual({ kind: 'current' });
});

test('Server and worker publish through it, even while it restarts and closes connections.', async () => {
  onTestFailed(() => world.tell());
  const account = await world.connect();
  const media = await world.upload();
  const port = String(await ownPort());
  const settings = { DATABASE_URL: bouncer.url, PORT: port };
  const before = world.children.length;
  const [server, worker] = await Promise.all([
    world.spawn('server', settings),
    world.spawn('worker', settings),
  ]);
  const url = `http://127.0.0.1:${port}`;
  const ready = async (): Promise<true | null> =>
    (await world.call('GET', `${url}/readyz`, { key: null }).catch(() => null))?.status === 200 ? true : null;
  await until('both to work through PgBouncer', ready);
  // From now on nothing bypasses it.
  await Promise.all(world.children.slice(0, before).map((child) => child.stop()));

  const publish = async (): Promise<void> => {
    const answer = await world.call('POST', `${url}/api/tiktok/upload`, {
      body: {
        accountId: account,
        source: 'FILE_UPLOAD',
        mediaId: media,
        mode: 'direct',
        postInfo: { title: unique('post '), privacy_level: 'PUBLIC_TO_EVERYONE' },
      },
    });
    expect(answer.status).toBe(202);
    await until('the post to be published', async () => {
      const { body } = await world.call('GET', `${url}/api/posts/${answer.body.id}`);
      return body.state === 'published' ? true : null;
    });
  };
  await publish();
  for (let round = 0; round < 3; round += 1) {
    await world.database.db.execute(sql`
      select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`);
    await until('all to be well again', ready);
  }
  await publish();
  expect([server.isRunning(), worker.isRunning()]).toEqual([true, true]);
});

/** Why the database at a URL cannot be used with these parameters. */
const problem = (url: string, parameters: string): Promise<string | null> =>
  databaseProblem(open(`${url}?${parameters}`));

test('TLS works as sslmode says, and certificates are checked as it says.', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'everpost-tls-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  await run([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ]);
  for (const path of [dir, key, cert]) chmodSync(path, 0o755);
  const tls = await startPgBouncer(world.env.DATABASE_URL, [
    'client_tls_sslmode = allow',
    `client_tls_key_file = ${key}`,
    `client_tls_cert_file = ${cert}`,
  ]);
  onTestFinished(() => tls.stop());
  const named = tls.url.replace('127.0.0.1', 'localhost');
  const ca = `sslrootcert=${encodeURIComponent(cert)}`;
  for (const right of ['sslmode=disable', 'sslmode=prefer', 'sslmode=require', `sslmode=verify-ca&${ca}`])
    expect([right, await problem(tls.url, right)]).toEqual([right, null]);
  expect(await problem(named, `sslmode=verify-full&${ca}`)).toBeNull();
  // A name that the certificate does not have, and an unknown issuer.
  expect(await problem(tls.url, `sslmode=verify-full&${ca}`)).toMatch(/TLS/);
  expect(await problem(named, 'sslmode=verify-full')).toMatch(/TLS/);
});
