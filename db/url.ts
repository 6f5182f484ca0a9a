import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

/*
 * The only parser of database URLs, as libpq documents them and as hosts (Neon, Supabase, Heroku) and Prisma print
 * them: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
 */

/** The address of a PostgreSQL server, and how to connect to it. */
export interface DatabaseAddress {
  /** A host name, an IP address, or the folder of a Unix socket. */
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  applicationName: string;
  /** `prefer`: encrypted if the server offers TLS. */
  tls: 'off' | 'prefer' | 'on';
  tlsOptions: ConnectionOptions;
  /** TLS from the first byte, without asking the server (`sslnegotiation=direct`). */
  tlsDirect: boolean;
  channelBinding: boolean;
  /** Command-line options for the server, such as Neon's `endpoint=...`. */
  options: string | undefined;
  /** The schema of our tables; null: the first of `search_path`. */
  schema: string | null;
  /** Whether the URL declares a pooler in between, such as PgBouncer in transaction mode. */
  pooled: boolean;
  /** Whether to use named prepared statements; null: unless there is a pooler. */
  prepare: boolean | null;
  /** The most connections of a process; null: the process's own number. */
  connections: number | null;
  /** Milliseconds; null: the default. */
  connectMs: number | null;
  waitMs: number | null;
  queryMs: number | null;
  /** Parameters without a meaning here. */
  ignored: readonly string[];
}

/** All problems of a database URL. Each text starts with a verb and quotes nothing of the URL but names. */
export class DatabaseUrlError extends Error {
  override readonly name = 'DatabaseUrlError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The database URL ${problems.join('; it ')}`);
    this.problems = problems;
  }
}

type Problem = (text: string) => void;
type Draft = { -readonly [Key in keyof DatabaseAddress]: DatabaseAddress[Key] } & { verify: Verify | null };
/** The checks of the server's certificate. */
type Verify = 'nothing' | 'issuer' | 'all';

const SHAPE = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const ENCODE = 'percent-encode special characters of the password (/ is %2F, # is %23, ? is %3F, % is %25)';

/**
 * Parses a `postgres://` or `postgresql://` URL.
 * @throws DatabaseUrlError which names every problem
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const problems: string[] = [];
  const problem: Problem = (one) => void problems.push(one);
  const [matches, authority = '', path = '', query = ''] = SHAPE.exec(text) ?? [];
  if (matches === undefined)
    throw new DatabaseUrlError([`must be a postgres:// URL without quotes around it; ${ENCODE}`]);
  const draft = readAuthority(authority, path, problem);
  readParameters(new URLSearchParams(query), draft, problem);
  for (const name of ['host', 'user', 'password', 'database'] as const)
    if (draft[name]?.includes('\0')) problem(`has a NUL character in its ${name}`);
  settleTls(draft, problem);
  if (draft.host.includes(',')) problem(SEVERAL);
  if (draft.host === '' && draft.database === undefined) problem('must name a host or a database');
  if (draft.host === '') draft.host = 'localhost';
  if (problems.length > 0) throw new DatabaseUrlError(problems);
  const { verify: _verify, ...address } = draft;
  return address;
}

const SEVERAL = 'names several hosts, which is not supported: name the primary, or a name that follows it';

function readAuthority(authority: string, path: string, problem: Problem): Draft {
  const at = authority.lastIndexOf('@');
  const [user = '', ...password] = authority.slice(0, Math.max(at, 0)).split(':');
  const place = authority.slice(at + 1);
  if (place.includes(',')) problem(SEVERAL);
  const [shape, host = '', port = ''] = /^(\[[^\]]*\]|[^:,]*)(?::(\d*))?/.exec(place) ?? [];
  if (!place.includes(',') && shape !== place) problem(`has a port that is not a number; ${ENCODE}`);
  const decoded = (name: string, value: string): string =>
    decode(value, () => problem(`has a % in its ${name} that starts no code; ${ENCODE}`));
  return {
    host: decoded('host', host.replace(/^\[(.*)\]$/, '$1')),
    port: readPort(port === '' ? '5432' : port, problem),
    user: decoded('user', user) || undefined,
    password: decoded('password', password.join(':')) || undefined,
    database: decoded('database name', path) || undefined,
    applicationName: 'everpost',
    tls: 'off',
    tlsOptions: {},
    tlsDirect: false,
    channelBinding: false,
    options: undefined,
    schema: null,
    pooled: false,
    prepare: null,
    connections: null,
    connectMs: null,
    waitMs: null,
    queryMs: null,
    ignored: [],
    verify: null,
  };
}

function decode(text: string, bad: () => void): string {
  try {
    return decodeURIComponent(text);
  } catch {
    bad();
    return text;
  }
}

function readPort(text: string, problem: Problem): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) problem('must have a port from 1 to 65535');
  return port;
}

function readParameters(parameters: URLSearchParams, draft: Draft, problem: Problem): void {
  const ignored = new Set<string>();
  for (const [name, value] of parameters) {
    const read = PARAMETERS[name];
    if (read !== undefined) read(value, draft, (wrong) => problem(`has ${name} that ${wrong}`));
    else if (UNSAFE_TO_IGNORE.has(name)) problem(`has ${name}, which is not supported: remove it`);
    else if (!MEANINGLESS.test(name)) ignored.add(name);
  }
  draft.ignored = [...ignored];
}

type Read = (value: string, draft: Draft, wrong: Problem) => void;

/** Sets a text. */
const text =
  (key: 'host' | 'user' | 'password' | 'database' | 'applicationName' | 'options'): Read =>
  (value, draft) => {
    if (value !== '') draft[key] = value;
  };

/** Sets a whole number; 0 means the default, as in libpq and Prisma. */
const count =
  (key: 'connections' | 'connectMs' | 'waitMs' | 'queryMs', unit = 1): Read =>
  (value, draft, wrong) => {
    if (!/^\d{1,6}$/.test(value)) wrong('must be a whole number');
    else if (Number(value) > 0) draft[key] = Number(value) * unit;
  };

/** Calls `set` with the value of a yes-or-no parameter. */
const flag =
  (set: (draft: Draft, yes: boolean) => void): Read =>
  (value, draft, wrong) => {
    if (/^(true|1|yes|on)$/i.test(value)) set(draft, true);
    else if (/^(false|0|no|off)$/i.test(value)) set(draft, false);
    else wrong('must be true or false');
  };

const schema: Read = (value, draft) => {
  if (value !== '') draft.schema = value;
};

const file =
  (key: 'ca' | 'cert' | 'key'): Read =>
  (path, draft, wrong) => {
    try {
      draft.tlsOptions[key] = readFileSync(path, 'utf8');
    } catch {
      wrong('must be the path of a readable file');
    }
  };

const MODES: Readonly<Record<string, readonly [tls: Draft['tls'], verify: Verify | null]>> = {
  disable: ['off', null],
  false: ['off', null],
  0: ['off', null],
  allow: ['prefer', 'nothing'],
  prefer: ['prefer', 'nothing'],
  // As in libpq: the certificate is only checked if `sslrootcert` is set.
  require: ['on', null],
  'no-verify': ['on', 'nothing'],
  'verify-ca': ['on', 'issuer'],
  'verify-full': ['on', 'all'],
  true: ['on', 'all'],
  1: ['on', 'all'],
};

const sslMode: Read = (value, draft, wrong) => {
  const mode = Object.hasOwn(MODES, value) ? MODES[value] : undefined;
  if (mode === undefined)
    wrong('must be disable, allow, prefer, require, no-verify, verify-ca or verify-full');
  else [draft.tls, draft.verify] = mode;
};

const PARAMETERS: Readonly<Record<string, Read | undefined>> = Object.assign(Object.create(null), {
  host: text('host'),
  port: (value, draft, wrong) => void (draft.port = readPort(value, () => wrong('must be from 1 to 65535'))),
  user: text('user'),
  password: text('password'),
  dbname: text('database'),
  application_name: text('applicationName'),
  options: text('options'),
  schema,
  search_path: schema,
  currentSchema: schema,
  connect_timeout: count('connectMs', 1000),
  // Prisma's parameters.
  pgbouncer: flag((draft, yes) => (draft.pooled = yes)),
  connection_limit: count('connections'),
  pool_timeout: count('waitMs', 1000),
  socket_timeout: count('queryMs', 1000),
  statement_cache_size: (value, draft) => void (value === '0' && (draft.prepare = false)),
  // postgres.js's parameters.
  prepare: flag((draft, yes) => (draft.prepare = yes)),
  max: count('connections'),
  sslmode: sslMode,
  ssl: sslMode,
  sslaccept: (value, draft) => void (draft.verify = value === 'accept_invalid_certs' ? 'nothing' : 'all'),
  sslrootcert: (value, draft, wrong) => {
    if (value === 'system') [draft.tls, draft.verify] = ['on', 'all'];
    else file('ca')(value, draft, wrong);
  },
  sslcert: file('cert'),
  sslkey: file('key'),
  sslpassword: (value, draft) => void (draft.tlsOptions.passphrase = value),
  sslnegotiation: (value, draft, wrong) => {
    if (value === 'direct') draft.tlsDirect = true;
    else if (value !== 'postgres') wrong('must be postgres or direct');
  },
  channel_binding: (value, draft, wrong) => {
    if (!['disable', 'prefer', 'require'].includes(value)) wrong('must be disable, prefer or require');
    draft.channelBinding = value !== 'disable';
  },
  target_session_attrs: (value, _draft, wrong) => {
    if (!['any', 'read-write', 'primary'].includes(value))
      wrong('must be any, read-write or primary: Everpost writes');
  },
  gssencmode: (value, _draft, wrong) => {
    if (value === 'require') wrong('must not be require: GSSAPI is not supported');
  },
} satisfies Record<string, Read>);

/** Parameters that ask for security which Everpost would not provide. */
const UNSAFE_TO_IGNORE = new Set([
  'sslcrl',
  'sslcrldir',
  'require_auth',
  'requirepeer',
  'ssl_min_protocol_version',
  'ssl_max_protocol_version',
  'service',
  'passfile',
]);
/** Parameters that are always fulfilled, or concern only other programs. */
const MEANINGLESS =
  /^(client_encoding|fallback_application_name|keepalives.*|tcp_user_timeout|sslsni|sslcompression|sslcertmode|krbsrvname|gss.*|uselibpqcompat|load_balance_hosts|supa|workaround|statement_cache_size)$/;

function settleTls(draft: Draft, problem: Problem): void {
  if (draft.host.startsWith('/')) draft.tls = 'off';
  if (draft.tlsDirect && draft.tls !== 'on')
    problem('has sslnegotiation=direct, which needs sslmode=require or stricter');
  const verify = draft.verify ?? (draft.tlsOptions.ca === undefined ? 'nothing' : 'issuer');
  if (verify === 'issuer' && draft.tlsOptions.ca === undefined)
    problem('has sslmode=verify-ca, which needs sslrootcert; without it use verify-full');
  draft.tlsOptions.rejectUnauthorized = verify !== 'nothing';
  if (verify === 'issuer') draft.tlsOptions.checkServerIdentity = () => undefined;
}
