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
import { readSync, type Sync } from './settings/sync.ts';
import {
  readTemporal,
  TEMPORAL_NAMES,
  TEMPORAL_SECRETS,
  type TemporalSettings,
} from './settings/temporal.ts';
import { readFlag } from './settings/values.ts';
import { StartError } from './startup.ts';

/*
 * The only reader of the environment. Every setting is declared once: Everpost's own below, a provider's in
 * providers/<name>/settings.ts. settings/ has the readers. `.env.example` is generated from all of them (`node
 * scripts/env-example.ts > .env.example`).
 */

const OWN = [
  {
    name: 'EVERPOST_DIR',
    fallback: '.everpost',
    about: 'Folder for everything embedded: database, keys, media.',
  },
  {
    name: 'DATABASE_URL',
    fallback: '',
    about: 'PostgreSQL URL. `npm run dev` and `demo` start their own server.',
  },
  { name: 'PORT', fallback: '3000', about: 'Port of the API.' },
  {
    name: 'HOST',
    fallback: '127.0.0.1',
    about: 'Address that the API, and a worker with a port, listens on.',
  },
  {
    name: 'EVERPOST_WORKER_PORT',
    fallback: '',
    about: 'Port where a worker serves /metrics and /livez. Default: none.',
  },
  {
    name: 'EVERPOST_PUBLIC_URL',
    fallback: '',
    about: 'Base of links and redirect URIs. Default: http://HOST:PORT.',
  },
  {
    name: 'EVERPOST_KEYRING',
    fallback: '',
    about: 'Keys that encrypt the data keys: comma list of id:base64 (32 bytes each); the first is active.',
  },
  {
    name: 'EVERPOST_ADMIN_KEY',
    fallback: '',
    about: 'Bearer token for the admin and debug routes, at least 32 characters. Only the server needs it.',
  },
  {
    name: 'EVERPOST_ALLOW_PRIVATE_URLS',
    fallback: 'false',
    about: 'Whether clients’ media URLs may be http or point to private addresses.',
  },
  {
    name: 'EVERPOST_TRUSTED_PROXIES',
    fallback: '',
    about: 'Comma list of your proxies’ addresses or networks. Only their X-Forwarded-* headers are trusted.',
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
      'Comma list of hosts, addresses and networks to call without a proxy. This machine never needs one.',
  },
  { name: 'EVERPOST_MEDIA', fallback: '', about: 'Media store. Default: file:<EVERPOST_DIR>/media.' },
  {
    name: 'EVERPOST_MEDIA_RETENTION',
    fallback: '',
    about: 'How long to keep files that no open post needs, such as 30d, 12h or 90m. Default: forever.',
  },
  {
    name: 'EVERPOST_SYNC',
    fallback: 'granted',
    about:
      'What is copied from the platforms. granted: what an account’s scopes allow; on: consents also ask for the scopes that this needs; off: nothing.',
  },
  { name: 'LOG_LEVEL', fallback: 'info', about: 'trace, debug, info, warn, error or fatal.' },
] as const satisfies readonly Setting[];

export const SETTINGS: readonly Setting[] = [...OWN, ...PROVIDER_SETTINGS];

/** Every name and alias that Everpost reads. */
const NAMES = namesOf(SETTINGS);
const BY_FILE = [...NAMES, ...TEMPORAL_SECRETS];
/** A variable that starts with one of these words is meant for Everpost. */
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
  /**
   * The file at the root of the public URL that proves its ownership to TikTok; null: TikTok cannot fetch from this
   * server.
   */
  siteVerification: SiteVerification | null;
  mediaUrl: string;
  /** Addresses and networks. */
  trustedProxies: readonly string[];
  proxies: Proxies;
  /** How long to keep files that no open post needs; null: forever. */
  mediaRetentionMs: number | null;
  sync: Sync;
  logLevel: string;
  /** A provider without credentials is absent. */
  providers: ProviderSettings;
  /** Settings without effect, to log at the start. */
  warnings: readonly string[];
}

/** The settings that identify an installation. */
export type ConfigParts = Partial<Pick<Config, 'databaseUrl' | 'temporal' | 'mediaUrl' | 'keyring'>>;

/** Names every missing or malformed setting, one a line; never a value. */
export class ConfigError extends StartError {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];
  /** Settings that are valid on their own; `npm run doctor` continues with them. */
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
 * Reads and validates all settings at once.
 * @param role the process; a worker needs no admin key
 * @throws ConfigError which names every problem
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
  const sync = readSync(own);
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
    sync,
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

/** The environment with the settings from files (`NAME_FILE`) filled in. */
export function settingsByFile(env: Environment = process.env): ReturnType<typeof readFiles> {
  return readFiles(env, BY_FILE);
}

/** A warning for each variable that looks like a setting but is not. */
export function misspeltSettings(env: Environment = process.env): string[] {
  const known = [...NAMES, ...TEMPORAL_NAMES, ...BY_FILE.map((name) => `${name}_FILE`)];
  return unknownNames(env, known, OUR_WORDS);
}

/** The only setting that `npm run db:migrate` needs. */
export function databaseUrl(given: Environment = process.env): string {
  const { env, problems: ofFiles } = readFiles(given, ['DATABASE_URL']);
  const { read, problems } = createReader(env, SETTINGS, ofFiles);
  const url = readDatabaseUrl(read);
  if (problems.length > 0) throw new ConfigError(problems);
  return url;
}
