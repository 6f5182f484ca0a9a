import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig, ConfigError } from '../config.ts';
import { DatabaseUrlError, parseDatabaseUrl, type DatabaseAddress } from '../db/url.ts';

/* Database URLs as hosts and tools print them. */

test.for<[string, Partial<DatabaseAddress>]>([
  [
    'postgres://me:pw@db.example.com/app',
    { host: 'db.example.com', port: 5432, user: 'me', password: 'pw', database: 'app', tls: 'off' },
  ],
  ['postgresql://me@db.example.com:6432/app', { port: 6432, password: undefined }],
  ['postgres://me:p%40s%2Fs%23w%3Ard@h/app', { password: 'p@s/s#w:rd', host: 'h' }],
  ['postgres://me:p@ss@h/app', { password: 'p@ss', host: 'h' }],
  ['postgres://me%40tenant:pw@h/my%20app', { user: 'me@tenant', database: 'my app' }],
  ['postgres://me:pw@[::1]:5433/app', { host: '::1', port: 5433 }],
  ['postgres:///app', { host: 'localhost', database: 'app', user: undefined }],
  // Unix sockets, as libpq, Cloud SQL and Heroku write them.
  ['postgres://me:pw@/app?host=/var/run/postgresql', { host: '/var/run/postgresql', user: 'me', tls: 'off' }],
  ['postgres://me@%2Fvar%2Frun%2Fpostgresql:5433/app', { host: '/var/run/postgresql', port: 5433 }],
  [
    'postgres://me:pw@/app?host=/cloudsql/project:region:one&sslmode=prefer',
    { host: '/cloudsql/project:region:one', tls: 'off' },
  ],
  // Neon.
  [
    'postgresql://me:pw@ep-cool-name-123-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require',
    { tls: 'on', channelBinding: true, ignored: [] },
  ],
  [
    'postgresql://me:pw@h/neondb?sslmode=require&options=endpoint%3Dep-cool-name-123',
    { options: 'endpoint=ep-cool-name-123' },
  ],
  // Supabase.
  [
    'postgresql://postgres.abcdefgh:pw@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1',
    { user: 'postgres.abcdefgh', port: 6543, pooled: true, connections: 1 },
  ],
  [
    'postgres://me:pw@h/postgres?workaround=supabase-pooler.vercel&supa=base-pooler.x&sslmode=require',
    { ignored: [] },
  ],
  // Prisma.
  [
    'postgresql://me:pw@h:5432/app?schema=everpost&connection_limit=5&pool_timeout=20&connect_timeout=15&socket_timeout=60',
    { schema: 'everpost', connections: 5, waitMs: 20_000, connectMs: 15_000, queryMs: 60_000 },
  ],
  [
    'postgresql://me:pw@h/app?statement_cache_size=0&sslaccept=strict&sslmode=require',
    { prepare: false, tls: 'on' },
  ],
  ['postgres://me:pw@h/app?prepare=true&pgbouncer=true', { prepare: true, pooled: true }],
  ['postgres://me:pw@h/app?search_path=other', { schema: 'other' }],
  [
    'postgres://me:pw@h/app?options=-c%20search_path%3Dother',
    { schema: null, options: '-c search_path=other' },
  ],
  [
    'postgres://me:pw@h/app?application_name=posts&target_session_attrs=read-write&keepalives=1',
    { applicationName: 'posts', ignored: [] },
  ],
  ['postgres://me:pw@h/app?target_session_attrs=any&gssencmode=disable', { ignored: [] }],
  ['postgres://me:pw@h/app?something_new=1&other=2', { ignored: ['something_new', 'other'] }],
  [
    'postgres://h/app?user=me&password=p%26w&dbname=other&port=1234',
    { user: 'me', password: 'p&w', database: 'other', port: 1234 },
  ],
])('%s', ([url, expected]) => {
  expect(parseDatabaseUrl(url)).toMatchObject(expected);
});

test.for<[string, DatabaseAddress['tls'], boolean | undefined, 'any host' | undefined]>([
  ['', 'off', false, undefined],
  ['sslmode=disable', 'off', false, undefined],
  ['sslmode=allow', 'prefer', false, undefined],
  ['sslmode=prefer', 'prefer', false, undefined],
  ['sslmode=require', 'on', false, undefined],
  ['ssl=no-verify', 'on', false, undefined],
  ['sslmode=require&sslaccept=accept_invalid_certs', 'on', false, undefined],
  ['ssl=true', 'on', true, undefined],
  ['sslmode=verify-full', 'on', true, undefined],
  ['sslrootcert=system', 'on', true, undefined],
  // As in libpq: with a root certificate, `require` checks the issuer.
  ['sslmode=require&sslrootcert=CA', 'on', true, 'any host'],
  ['sslmode=verify-ca&sslrootcert=CA', 'on', true, 'any host'],
  ['sslmode=verify-full&sslrootcert=CA', 'on', true, undefined],
])('TLS: %s', ([parameters, tls, checked, host]) => {
  const dir = mkdtempSync(join(tmpdir(), 'everpost-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'ca.pem'), 'a certificate');
  const address = parseDatabaseUrl(`postgres://me:pw@h/app?${parameters.replace('CA', join(dir, 'ca.pem'))}`);
  expect(address.tls).toBe(tls);
  expect(address.tlsOptions.rejectUnauthorized).toBe(checked);
  expect(address.tlsOptions.checkServerIdentity === undefined).toBe(host === undefined);
});

const SECRET = 'hunter2-hunter2';

test.for<[string, RegExp]>([
  ['', /must be a postgres:\/\/ URL/],
  [`"postgres://me:${SECRET}@h/app"`, /without quotes/],
  [`mysql://me:${SECRET}@h/app`, /must be a postgres/],
  [`prisma+postgres://me:${SECRET}@h/app`, /must be a postgres/],
  [`postgres://me:${SECRET}#1@h/app`, /percent-encode/],
  [`postgres://me:${SECRET}/1@h/app`, /percent-encode/],
  [`postgres://me:${SECRET}%zz@h/app`, /% in its password/],
  [`postgres://me:${SECRET}%00@h/app`, /NUL character in its password/],
  [`postgres://me:${SECRET}@h:port/app`, /port/],
  [`postgres://me:${SECRET}@h:99999/app`, /port/],
  [`postgres://me:${SECRET}@one:5432,two:5432/app`, /several hosts/],
  [`postgres://me:${SECRET}@/app?host=one,two`, /several hosts/],
  [`postgres://me:${SECRET}@h/app?host=one,two&port=5432`, /several hosts/],
  [`postgres://me:${SECRET}@h/app?sslmode=sometimes`, /sslmode that must be/],
  [`postgres://me:${SECRET}@h/app?sslmode=toString`, /sslmode that must be/],
  [`postgres://me:${SECRET}@h/app?pgbouncer=perhaps`, /pgbouncer that must be true or false/],
  [`postgres://me:${SECRET}@h/app?connection_limit=many`, /connection_limit that must be a whole number/],
  [`postgres://me:${SECRET}@h/app?channel_binding=maybe`, /channel_binding/],
  [`postgres://me:${SECRET}@h/app?target_session_attrs=standby`, /target_session_attrs/],
  [`postgres://me:${SECRET}@h/app?sslmode=verify-ca`, /needs sslrootcert/],
  [
    `postgres://me:${SECRET}@h/app?sslrootcert=/no/such/file`,
    /sslrootcert that must be the path of a readable file/,
  ],
  [`postgres://me:${SECRET}@h/app?sslnegotiation=direct`, /needs sslmode/],
  [`postgres://me:${SECRET}@h/app?require_auth=scram-sha-256`, /require_auth, which is not supported/],
])('%s is refused with a reason, without the password', ([url, words]) => {
  expect(() => parseDatabaseUrl(url)).toThrow(DatabaseUrlError);
  expect(() => parseDatabaseUrl(url)).toThrow(words);
  expect(() => parseDatabaseUrl(url)).not.toThrow(new RegExp(SECRET));
});

test('names of object properties are not parameters', () => {
  const { ignored } = parseDatabaseUrl('postgres://h/app?constructor=1&__proto__=2&toString=3');
  expect(ignored).toEqual(['constructor', '__proto__', 'toString']);
});

test('the settings name every problem of the URL, and warn about ignored parts', () => {
  const env = { EVERPOST_KEYRING: `k1:${Buffer.alloc(32).toString('base64')}` };
  const url = 'postgres://me:pw@h/app?sslmode=sometimes&connection_limit=many';
  expect(() => readConfig('worker', { ...env, DATABASE_URL: url })).toThrow(ConfigError);
  expect(() => readConfig('worker', { ...env, DATABASE_URL: url })).toThrow(
    /DATABASE_URL has sslmode[^]*DATABASE_URL has connection_limit/,
  );
  expect(readConfig('worker', { ...env, DATABASE_URL: 'postgres://me:pw@h/app?new=1' }).warnings).toEqual([
    'DATABASE_URL: the parameter new is unknown and ignored',
  ]);
});
