import process from 'node:process';
import type { Keyring } from './crypto/keys.ts';
import type { Proxies } from './providers/proxies.ts';
import {
  PROVIDER_SETTINGS,
  readProviders,
  warnOfRedirects,
  type ProviderSettings,
  type SiteVerification,
} from './providers/settings.ts';
import { readDatabaseUrl } from './settings/database.ts';
import { readFiles } from './settings/files.ts';
import { readFolder, readMediaUrl } from './settings/folders.ts';
import { readAdminKey, readKeyring } from './settings/keys.ts';
import { firstWord, unknownNames } from './settings/names.ts';
import { readAddresses, readProxies, readTrustedProxies, type Addresses } from './settings/network.ts';
import { createReader, type Reader } from './settings/reader.ts';
import { readRetention } from './settings/retention.ts';
import { namesOf, type Environment, type NameIn, type Setting } from './settings/setting.ts';
import {
  readTemporal,
  TEMPORAL_NAMES,
  TEMPORAL_SECRETS,
  type TemporalSettings,
} from './settings/temporal.ts';
import { readFlag } from './settings/values.ts';
import { StartError } from './startup.ts';

/*
 * The only reader of the environment. Every setting stands once: Everpost's own below, those of a provider in
 * providers/<name>/settings.ts. How they are read is in settings/. `.env.example` is written from all of them
 * (`node scripts/env-example.ts > .env.example`).
 */

const OWN = [
  {
    name: 'EVERPOST_DIR',
    fallback: '.everpost',
    about: 'Folder of everything embedded: database, keys, media.',
  },
  { name: 'DATABASE_URL', fallback: '', about: 'PostgreSQL. `npm run dev` and `demo` bring their own.' },
  { name: 'PORT', fallback: '3000', about: 'Port of the API.' },
  {
    name: 'HOST',
    fallback: '127.0.0.1',
    about: 'Address that the API listens on, and a worker where it has a port.',
  },
  {
    name: 'EVERPOST_WORKER_PORT',
    fallback: '',
    about: 'Port at which a worker serves /metrics and /livez; none without it.',
  },
  {
    name: 'EVERPOST_PUBLIC_URL',
    fallback: '',
    about: 'Base of links and redirect URIs; http://HOST:PORT without it.',
  },
  {
    name: 'EVERPOST_KEYRING',
    fallback: '',
    about: 'Keys that encrypt the data keys: id:base64 of 32 bytes, comma list, first is active.',
  },
  {
    name: 'EVERPOST_ADMIN_KEY',
    fallback: '',
    about: 'Bearer of the admin and debug routes, 32 characters at least. Only the server needs it.',
  },
  {
    name: 'EVERPOST_ALLOW_PRIVATE_URLS',
    fallback: 'false',
    about: 'Whether media URLs of clients may be http or point to private addresses.',
  },
  {
    name: 'EVERPOST_TRUSTED_PROXIES',
    fallback: '',
    about: 'Comma list of addresses or networks of your proxies, whose X-Forwarded-For is believed.',
  },
  {
    name: 'HTTPS_PROXY',
    aliases: ['https_proxy'],
    fallback: '',
    about: 'Proxy for calls to https URLs of the platforms.',
  },
  { name: 'HTTP_PROXY', aliases: ['http_proxy'], fallback: '', about: 'Proxy for calls to http URLs.' },
  {
    name: 'NO_PROXY',
    aliases: ['no_proxy'],
    fallback: '',
    about:
      'Comma list of hosts, addresses and networks that are called without a proxy; this machine always is.',
  },
  { name: 'EVERPOST_MEDIA', fallback: '', about: 'Media store; file:<EVERPOST_DIR>/media without it.' },
  {
    name: 'EVERPOST_MEDIA_RETENTION',
    fallback: '',
    about: 'After how long files that no open post needs are deleted, as 30d, 12h or 90m; never without it.',
  },
  { name: 'LOG_LEVEL', fallback: 'info', about: 'trace, debug, info, warn, error or fatal.' },
] as const satisfies readonly Setting[];

export const SETTINGS: readonly Setting[] = [...OWN, ...PROVIDER_SETTINGS];

/** Every name that a setting of ours is read from. */
const NAMES = namesOf(SETTINGS);
const BY_FILE = [...NAMES, ...TEMPORAL_SECRETS];
/** What begins with one of these words is meant for us. */
const OUR_WORDS = new Set(['EVERPOST', ...namesOf(PROVIDER_SETTINGS).map(firstWord)]);

export type { Environment };

export interface Config extends Addresses {
  dir: string;
  databaseUrl: string;
  temporal: TemporalSettings;
  keyring: Keyring;
  /** Empty in a worker, which does not need it. */
  adminKey: string;
  allowPrivateUrls: boolean;
  /** The file at the root of the public URL that proves to TikTok whose it is; null: TikTok fetches nothing from here. */
  siteVerification: SiteVerification | null;
  mediaUrl: string;
  /** Addresses and networks. */
  trustedProxies: readonly string[];
  proxies: Proxies;
  /** How long files are kept that no open post needs; null: for ever. */
  mediaRetentionMs: number | null;
  logLevel: string;
  /** A provider without credentials is absent. */
  providers: ProviderSettings;
  /** Settings that do nothing, to be logged at the start. */
  warnings: readonly string[];
}

/** What an installation stands on. */
export type ConfigParts = Partial<Pick<Config, 'databaseUrl' | 'temporal' | 'mediaUrl' | 'keyring'>>;

/** Names every setting that is missing or malformed, one a line; never a value. */
export class ConfigError extends StartError {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  /** Those that are right by themselves; `npm run doctor` goes on with them. */
  readonly parts: ConfigParts;

  constructor(problems: readonly string[], parts: ConfigParts = {}) {
    super(
      `Everpost cannot start with these settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
    this.parts = parts;
  }
}

/**
 * Reads and checks all settings at once.
 * @param role the process that is started; a worker needs no admin key
 * @throws ConfigError naming every problem
 */
export function readConfig(role: 'server' | 'worker', given: Environment = process.env): Config {
  const { env, problems: ofFiles } = settingsByFile(given);
  const { read, problems, warnings } = createReader(env, SETTINGS, ofFiles);
  const own: Reader<NameIn<typeof OWN>> = read;
  const { dir, isUsable } = readFolder(own);
  const database = readDatabaseUrl(own);
  const addresses = readAddresses(own);
  const allowPrivateUrls = readFlag(own, 'EVERPOST_ALLOW_PRIVATE_URLS');
  const logLevel = readLogLevel(own);
  const mediaUrl = readMediaUrl(own, isUsable ? dir : '/');
  const mediaRetentionMs = readRetention(own);
  const adminKey = role === 'server' ? readAdminKey(own) : '';
  const temporal = readTemporal(env, read.problem);
  const keyring = readKeyring(own);
  const trustedProxies = readTrustedProxies(own);
  const proxies = readProxies(own);
  const { providers, siteVerification } = readProviders(read, addresses.publicUrl);

  const isRight = (name: NameIn<typeof OWN>): boolean => !problems.some((text) => text.startsWith(name));
  if (problems.length > 0 || keyring === null || temporal === null)
    throw new ConfigError(problems, {
      ...(isRight('DATABASE_URL') ? { databaseUrl: database } : {}),
      ...(temporal === null ? {} : { temporal }),
      ...(isRight('EVERPOST_MEDIA') && isUsable ? { mediaUrl } : {}),
      ...(keyring === null ? {} : { keyring }),
    });
  warnOfRedirects(read, addresses.publicUrl);
  return {
    dir,
    databaseUrl: database,
    ...addresses,
    temporal,
    keyring,
    adminKey,
    allowPrivateUrls,
    siteVerification,
    mediaUrl,
    trustedProxies,
    proxies,
    mediaRetentionMs,
    logLevel,
    providers,
    warnings: [...warnings, ...misspeltSettings(given)],
  };
}

function readLogLevel({ value, problem }: Reader<'LOG_LEVEL'>): string {
  const level = value('LOG_LEVEL');
  if (!/^(trace|debug|info|warn|error|fatal)$/.test(level))
    problem('LOG_LEVEL must be trace, debug, info, warn, error or fatal');
  return level;
}

/** The environment with the settings in place that files hold (`NAME_FILE`). */
export function settingsByFile(env: Environment = process.env): ReturnType<typeof readFiles> {
  return readFiles(env, BY_FILE);
}

/** What looks like a setting and is none: a warning for each. */
export function misspeltSettings(env: Environment = process.env): string[] {
  const known = [...NAMES, ...TEMPORAL_NAMES, ...BY_FILE.map((name) => `${name}_FILE`)];
  return unknownNames(env, known, OUR_WORDS);
}

/** The one setting that `npm run db:migrate` needs. */
export function databaseUrl(given: Environment = process.env): string {
  const { env, problems: ofFiles } = readFiles(given, ['DATABASE_URL']);
  const { read, problems } = createReader(env, SETTINGS, ofFiles);
  const url = readDatabaseUrl(read);
  if (problems.length > 0) throw new ConfigError(problems);
  return url;
}
