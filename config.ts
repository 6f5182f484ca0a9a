import ipaddr from 'ipaddr.js';
import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { parseKeyring, type Keyring } from './crypto/keys.ts';
import { DatabaseUrlError, parseDatabaseUrl } from './db/url.ts';
import { mediaDirectory } from './media/open.ts';
import type { ProviderSettings } from './providers/index.ts';
import type {
  FacebookLoginSettings,
  InstagramLoginSettings,
  InstagramSettings,
} from './providers/instagram/client.ts';
import { facebookLoginPermissions, instagramLoginPermissions } from './providers/instagram/scopes.ts';
import { isLoopback } from './providers/loopback.ts';
import type { MetaWebhookSettings } from './providers/meta/webhooks.ts';
import type { Permissions } from './providers/permissions.ts';
import type { Proxies } from './providers/proxies.ts';
import type { ThreadsSettings } from './providers/threads/client.ts';
import { threadsPermissions } from './providers/threads/scopes.ts';
import type { TikTokSettings } from './providers/tiktok/client.ts';
import { readFiles } from './settings/files.ts';
import { unknownNames } from './settings/names.ts';
import {
  readTemporal,
  TEMPORAL_NAMES,
  TEMPORAL_SECRETS,
  type TemporalSettings,
} from './settings/temporal.ts';
import { tiktokPermissions } from './providers/tiktok/scopes.ts';
import { StartError } from './startup.ts';

/*
 * The only reader of the environment. Every setting stands once, in SETTINGS; `.env.example` is written from it
 * (`node scripts/env-example.ts > .env.example`). Parts that are no lines of it are in settings/: settings by file, those of
 * Temporal, and names that are none.
 */

interface Setting {
  name: string;
  /** Other names that are understood, first one wins. */
  aliases?: readonly string[];
  /** Shown in `.env.example`; what happens without it. */
  fallback: string;
  about: string;
}

export const SETTINGS = [
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
  {
    name: 'TIKTOK_CLIENT_KEY',
    aliases: ['NEXT_PUBLIC_TIKTOK_CLIENT_KEY'],
    fallback: '',
    about: 'Client key of your TikTok app.',
  },
  { name: 'TIKTOK_CLIENT_SECRET', fallback: '', about: 'Client secret of your TikTok app.' },
  {
    name: 'NEXT_PUBLIC_TIKTOK_REDIRECT_URI',
    aliases: ['TIKTOK_REDIRECT_URI'],
    fallback: '',
    about: 'Registered redirect URI: <EVERPOST_PUBLIC_URL>/api/auth/tiktok/callback.',
  },
  {
    name: 'TIKTOK_WEBHOOK_SECRET',
    fallback: '',
    about: 'Comma list of secrets that may sign webhooks; the client secret without it.',
  },
  {
    name: 'TIKTOK_SCOPES',
    fallback: '',
    about:
      'Comma list of scopes that the consent asks for: those your app has. Without it user.info.basic, video.upload and video.publish.',
  },
  {
    name: 'TIKTOK_APP_AUDITED',
    fallback: 'false',
    about: 'Whether TikTok has audited your app; before, direct posts are private ones of private accounts.',
  },
  {
    name: 'TIKTOK_SITE_VERIFICATION',
    fallback: '',
    about:
      'name=content of the file with which TikTok verifies EVERPOST_PUBLIC_URL, so that it fetches photos and videos from there.',
  },
  { name: 'TIKTOK_AUTH_URL', fallback: 'https://www.tiktok.com', about: 'Base URL of the consent page.' },
  { name: 'TIKTOK_API_URL', fallback: 'https://open.tiktokapis.com', about: 'Base URL of the API.' },
  {
    name: 'TIKTOK_UPLOAD_HOSTS',
    fallback: '*.tiktokapis.com',
    about: 'Hosts that an upload URL may have: comma list, *. for subdomains, optional :port.',
  },
  {
    name: 'NEXT_PUBLIC_INSTAGRAM_APP_ID',
    aliases: ['INSTAGRAM_APP_ID'],
    fallback: '',
    about:
      'App id of your Meta app; with its secret and redirect URI, accounts are connected by Facebook Login.',
  },
  { name: 'INSTAGRAM_APP_SECRET', fallback: '', about: 'App secret of your Meta app.' },
  {
    name: 'NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI',
    aliases: ['INSTAGRAM_REDIRECT_URI'],
    fallback: '',
    about: 'Registered redirect URI: <EVERPOST_PUBLIC_URL>/api/auth/instagram/callback.',
  },
  {
    name: 'INSTAGRAM_SCOPES',
    fallback: '',
    about:
      'Comma list of scopes that Facebook’s dialog asks for; without it what publishing needs (docs/providers/instagram.md).',
  },
  {
    name: 'INSTAGRAM_LOGIN_APP_ID',
    fallback: '',
    about:
      'Instagram app id (not the Meta app id); with its secret and redirect URI, accounts are connected by Instagram Login.',
  },
  { name: 'INSTAGRAM_LOGIN_APP_SECRET', fallback: '', about: 'Instagram app secret.' },
  {
    name: 'INSTAGRAM_LOGIN_REDIRECT_URI',
    fallback: '',
    about: 'Registered redirect URI: <EVERPOST_PUBLIC_URL>/api/auth/instagram/callback.',
  },
  {
    name: 'INSTAGRAM_LOGIN_SCOPES',
    fallback: '',
    about:
      'Comma list of scopes that Instagram Login asks for. Without it instagram_business_basic and instagram_business_content_publish.',
  },
  {
    name: 'INSTAGRAM_WEBHOOK_SECRET',
    fallback: '',
    about: 'Comma list of secrets that may sign webhooks; the secrets of both apps without it.',
  },
  {
    name: 'FACEBOOK_DIALOG_URL',
    fallback: 'https://www.facebook.com',
    about: 'Base URL of the consent page.',
  },
  { name: 'FACEBOOK_GRAPH_URL', fallback: 'https://graph.facebook.com', about: 'Base URL of the Graph API.' },
  {
    name: 'INSTAGRAM_UPLOAD_URL',
    fallback: 'https://rupload.facebook.com',
    about: 'Base URL that videos are sent to.',
  },
  {
    name: 'INSTAGRAM_AUTH_URL',
    fallback: 'https://www.instagram.com',
    about: 'Base URL of the consent page of Instagram Login.',
  },
  {
    name: 'INSTAGRAM_API_URL',
    fallback: 'https://api.instagram.com',
    about: 'Base URL that codes of Instagram Login are exchanged at.',
  },
  {
    name: 'INSTAGRAM_GRAPH_URL',
    fallback: 'https://graph.instagram.com',
    about: 'Base URL of the Graph API of Instagram Login.',
  },
  {
    name: 'NEXT_PUBLIC_THREADS_APP_ID',
    aliases: ['THREADS_APP_ID'],
    fallback: '',
    about: 'Threads app id (not the Meta app id).',
  },
  { name: 'THREADS_APP_SECRET', fallback: '', about: 'Threads app secret.' },
  {
    name: 'NEXT_PUBLIC_THREADS_REDIRECT_URI',
    aliases: ['THREADS_REDIRECT_URI'],
    fallback: '',
    about: 'Registered redirect URI: <EVERPOST_PUBLIC_URL>/api/auth/threads/callback.',
  },
  {
    name: 'THREADS_WEBHOOK_SECRET',
    fallback: '',
    about:
      'Comma list of secrets that may sign webhooks; the app secrets of Threads and Instagram without it.',
  },
  {
    name: 'THREADS_SCOPES',
    fallback: '',
    about:
      'Comma list of scopes that the consent asks for; without it what publishing, replying and deleting need (docs/providers/threads.md).',
  },
  { name: 'THREADS_AUTH_URL', fallback: 'https://threads.net', about: 'Base URL of the consent page.' },
  { name: 'THREADS_GRAPH_URL', fallback: 'https://graph.threads.net', about: 'Base URL of the API.' },
  {
    name: 'META_VERIFY_TOKEN',
    fallback: '',
    about: 'What Meta’s webhook handshake has to bring along; required with Instagram or Threads.',
  },
] as const satisfies readonly Setting[];

export type SettingName = (typeof SETTINGS)[number]['name'];

/** Every name that a setting of ours is read from. */
const NAMES = SETTINGS.flatMap(({ name, aliases = [] }: Setting) => [name, ...aliases]);
const BY_FILE = [...NAMES, ...TEMPORAL_SECRETS];
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Config {
  dir: string;
  databaseUrl: string;
  port: number;
  host: string;
  /** Of a worker's metrics; null: it serves nothing. */
  workerPort: number | null;
  publicUrl: string;
  temporal: TemporalSettings;
  keyring: Keyring;
  /** Empty in a worker, which does not need it. */
  adminKey: string;
  allowPrivateUrls: boolean;
  /** The file at the root of the public URL that proves to TikTok whose it is; null: TikTok fetches nothing from here. */
  siteVerification: { name: string; content: string } | null;
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

/** Long enough not to be guessed, and of characters that a bearer token may have. */
const ADMIN_KEY = /^[\x21-\x7e]{32,}$/;

/**
 * Reads and checks all settings at once.
 * @param role the process that is started; a worker needs no admin key
 * @throws ConfigError naming every problem
 */
export function readConfig(role: 'server' | 'worker', given: Environment = process.env): Config {
  const { env, problems: ofFiles } = settingsByFile(given);
  const problems: string[] = [...ofFiles];
  const problem = (text: string): void => void problems.push(text);
  const value = (name: SettingName): string => setting(env, name);
  const url = (name: SettingName, fallback = ''): string => {
    const text = value(name) || fallback;
    const parsed = URL.parse(text);
    if (
      parsed === null ||
      !['http:', 'https:'].includes(parsed.protocol) ||
      parsed.username !== '' ||
      parsed.password !== '' ||
      parsed.search !== '' ||
      parsed.hash !== ''
    )
      problem(`${name} must be an http(s) URL without credentials, query or fragment`);
    return /^.*[^/]/s.exec(text)?.[0] ?? '';
  };

  const portOf = (name: SettingName): number => {
    const isRight = /^\d+$/.test(value(name)) && Number(value(name)) <= 65_535;
    if (!isRight) problem(`${name} must be a number from 0 to 65535`);
    return isRight ? Number(value(name)) : 0;
  };

  const dir = resolve(value('EVERPOST_DIR'));
  const dirIsRight = isOrCanBeFolder(dir);
  if (!dirIsRight) problem('EVERPOST_DIR must be a folder, but something else is there');
  const database = value('DATABASE_URL');
  const warnings = checkDatabaseUrl(database, problem);
  const port = portOf('PORT');
  const workerPort = value('EVERPOST_WORKER_PORT') === '' ? null : portOf('EVERPOST_WORKER_PORT');
  const host = value('HOST');
  const hostIsRight = isIP(host) !== 0 || /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(host);
  if (!hostIsRight) problem('HOST must be an IP address or a host name, without scheme and port');
  const publicUrl = url(
    'EVERPOST_PUBLIC_URL',
    `http://${linkHost(hostIsRight ? host : '127.0.0.1')}:${port}`,
  );
  if (!['true', 'false'].includes(value('EVERPOST_ALLOW_PRIVATE_URLS')))
    problem('EVERPOST_ALLOW_PRIVATE_URLS must be true or false');
  if (!/^(trace|debug|info|warn|error|fatal)$/.test(value('LOG_LEVEL')))
    problem('LOG_LEVEL must be trace, debug, info, warn, error or fatal');
  const mediaUrl = value('EVERPOST_MEDIA') || `file:${join(dirIsRight ? dir : '/', 'media')}`;
  const media = readMedia(mediaUrl, problem);
  const retention = value('EVERPOST_MEDIA_RETENTION');
  const mediaRetentionMs = retention === '' ? null : durationMs(retention);
  if (retention !== '' && mediaRetentionMs === null)
    problem('EVERPOST_MEDIA_RETENTION must be a duration from 1s to 10000d, such as 30d, 12h, 90m or P30D');
  const adminKey = role === 'server' ? value('EVERPOST_ADMIN_KEY') : '';
  if (role === 'server' && !ADMIN_KEY.test(adminKey))
    problem(
      'EVERPOST_ADMIN_KEY must be set to at least 32 characters without spaces (make one: openssl rand -hex 32)',
    );
  const temporal = readTemporal(env, problem);
  const keyring = readKeyring(value('EVERPOST_KEYRING'), problem);
  const trustedProxies = list(value('EVERPOST_TRUSTED_PROXIES'));
  for (const one of trustedProxies)
    if (isIP(one) === 0 && !ipaddr.isValidCIDR(one))
      problem('EVERPOST_TRUSTED_PROXIES must be a comma list of addresses or networks, as in 10.0.0.0/8');
  const proxies = {
    https: proxyUrl('HTTPS_PROXY', value, problem),
    http: proxyUrl('HTTP_PROXY', value, problem),
    except: value('NO_PROXY'),
  };
  const read: Reader = { value, url, problem, warning: (text) => void warnings.push(text) };
  const siteVerification = readSiteVerification(read, publicUrl);
  const tiktok = readTikTok(read);
  const instagram = readInstagram(read);
  const threads = readThreads(read);

  const isRight = (name: SettingName): boolean => !problems.some((text) => text.startsWith(name));
  if (problems.length > 0 || keyring === null || temporal === null)
    throw new ConfigError(problems, {
      ...(isRight('DATABASE_URL') ? { databaseUrl: database } : {}),
      ...(temporal === null ? {} : { temporal }),
      ...(isRight('EVERPOST_MEDIA') && dirIsRight ? { mediaUrl: `file:${media}` } : {}),
      ...(keyring === null ? {} : { keyring }),
    });
  return {
    dir,
    databaseUrl: database,
    port,
    host,
    workerPort,
    publicUrl,
    temporal,
    keyring,
    adminKey,
    allowPrivateUrls: value('EVERPOST_ALLOW_PRIVATE_URLS') === 'true',
    siteVerification,
    mediaUrl: `file:${media}`,
    trustedProxies,
    proxies,
    mediaRetentionMs,
    logLevel: value('LOG_LEVEL'),
    providers: {
      ...(tiktok === null ? {} : { tiktok }),
      ...(instagram === null ? {} : { instagram }),
      ...(threads === null ? {} : { threads }),
    },
    warnings: [...warnings, ...redirectWarnings(value, publicUrl), ...misspeltSettings(given)],
  };
}

/** The environment with the settings in place that files hold (`NAME_FILE`). */
export function settingsByFile(env: Environment = process.env): ReturnType<typeof readFiles> {
  return readFiles(env, BY_FILE);
}

/** What looks like a setting and is none: a warning for each. */
export function misspeltSettings(env: Environment = process.env): string[] {
  return unknownNames(env, [...NAMES, ...TEMPORAL_NAMES, ...BY_FILE.map((name) => `${name}_FILE`)]);
}

/** Whether a folder is there or could be made: nothing else is in its way. */
function isOrCanBeFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const isNoFolder = error instanceof Error && 'code' in error && error.code === 'ENOTDIR';
    return isAbsent ? isOrCanBeFolder(dirname(path)) : !isNoFolder;
  }
}

/** @returns the absolute path of the store's folder */
function readMedia(url: string, problem: (text: string) => void): string {
  try {
    const folder = resolve(mediaDirectory(url));
    if (!isOrCanBeFolder(folder)) problem('EVERPOST_MEDIA must name a folder, but something else is there');
    return folder;
  } catch (error) {
    problem(`EVERPOST_MEDIA: ${error instanceof Error ? error.message : 'unreadable'}`);
    return '';
  }
}

/** A callback that is registered for another place than ours arrives there, unless a proxy leads it here. */
function redirectWarnings(value: (name: SettingName) => string, publicUrl: string): string[] {
  const redirects = [
    ['NEXT_PUBLIC_TIKTOK_REDIRECT_URI', 'tiktok'],
    ['NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI', 'instagram'],
    ['INSTAGRAM_LOGIN_REDIRECT_URI', 'instagram'],
    ['NEXT_PUBLIC_THREADS_REDIRECT_URI', 'threads'],
  ] as const;
  return redirects.flatMap(([name, provider]) => {
    const expected = `${publicUrl}/api/auth/${provider}/callback`;
    return value(name) === '' || value(name) === expected
      ? []
      : [`${name} is not ${expected}, where Everpost waits for callbacks: is EVERPOST_PUBLIC_URL right?`];
  });
}

/** How a link names the address that the server listens on. */
function linkHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** The one setting that `npm run db:migrate` needs. */
export function databaseUrl(given: Environment = process.env): string {
  const { env, problems: ofFiles } = readFiles(given, ['DATABASE_URL']);
  const problems: string[] = [...ofFiles];
  const url = setting(env, 'DATABASE_URL');
  checkDatabaseUrl(url, (problem) => void problems.push(problem));
  if (problems.length > 0) throw new ConfigError(problems);
  return url;
}

/** @returns what is ignored of it */
function checkDatabaseUrl(url: string, problem: (text: string) => void): string[] {
  try {
    const { ignored } = parseDatabaseUrl(url);
    return ignored.map((name) => `DATABASE_URL: the parameter ${name} is not known and is ignored`);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    for (const one of error.problems) problem(`DATABASE_URL ${one}`);
    return [];
  }
}

function setting(env: Environment, name: SettingName): string {
  const { aliases, fallback }: Setting = SETTINGS.find((candidate) => candidate.name === name) ?? {
    name,
    fallback: '',
    about: '',
  };
  for (const candidate of [name, ...(aliases ?? [])]) {
    const value = env[candidate]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return fallback;
}

/** The URL of a proxy; a host and port alone are usual, too. @returns '' where there is none */
function proxyUrl(
  name: SettingName,
  value: (name: SettingName) => string,
  problem: (text: string) => void,
): string {
  const text = value(name);
  if (text === '') return '';
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url))
    problem(`${name} must be the http(s) URL of a proxy, as in http://proxy.example:3128`);
  return url;
}

function readKeyring(text: string, problem: (text: string) => void): Keyring | null {
  try {
    return parseKeyring(text);
  } catch (error) {
    problem(`EVERPOST_KEYRING: ${error instanceof Error ? error.message : 'unreadable'}`);
    return null;
  }
}

/** How the settings of a provider are read. */
interface Reader {
  value: (name: SettingName) => string;
  url: (name: SettingName) => string;
  problem: (text: string) => void;
  warning: (text: string) => void;
}

/**
 * All of the credentials or none: a provider that is half configured is a mistake, not a choice.
 * @param credentials the redirect URI last
 * @param webhookSecret its value; empty where it may also stand for others
 */
function areComplete(
  { value, problem }: Reader,
  title: string,
  credentials: readonly [SettingName, SettingName, SettingName],
  webhookSecret: string,
): boolean {
  const missing = credentials.filter((name) => value(name) === '');
  if (missing.length === credentials.length && webhookSecret === '') return false;
  for (const name of missing) problem(`${name} is missing, but other ${title} settings are set`);
  const [, , redirectUri] = credentials;
  if (!missing.includes(redirectUri)) checkRedirectUri(redirectUri, value(redirectUri), problem);
  return true;
}

function readTikTok(read: Reader): TikTokSettings | null {
  const { value, url, problem } = read;
  const authUrl = url('TIKTOK_AUTH_URL');
  const apiUrl = url('TIKTOK_API_URL');
  const uploadHosts = list(value('TIKTOK_UPLOAD_HOSTS'));
  for (const host of uploadHosts)
    if (!/^(\*\.)?[a-z0-9.-]+(:\d+)?$/i.test(host))
      problem('TIKTOK_UPLOAD_HOSTS must be a comma list of hosts, *. for subdomains');
  const credentials = [
    'TIKTOK_CLIENT_KEY',
    'TIKTOK_CLIENT_SECRET',
    'NEXT_PUBLIC_TIKTOK_REDIRECT_URI',
  ] as const;
  if (!areComplete(read, 'TikTok', credentials, value('TIKTOK_WEBHOOK_SECRET'))) return null;
  return {
    clientKey: value('TIKTOK_CLIENT_KEY'),
    clientSecret: value('TIKTOK_CLIENT_SECRET'),
    redirectUri: value('NEXT_PUBLIC_TIKTOK_REDIRECT_URI'),
    webhookSecrets: secrets(value('TIKTOK_WEBHOOK_SECRET'), value('TIKTOK_CLIENT_SECRET')),
    authUrl,
    apiUrl,
    uploadHosts,
    audited: flag(read, 'TIKTOK_APP_AUDITED'),
    ...scopes(read, tiktokPermissions()),
  };
}

function flag({ value, problem }: Reader, name: SettingName): boolean {
  if (!['true', 'false'].includes(value(name))) problem(`${name} must be true or false`);
  return value(name) === 'true';
}

/** TikTok names the file, and says what is in it, to the byte (tiktok-facts 4.8). */
const SITE_FILE = /^(?<name>[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.txt)=(?<content>[\x21-\x7e]{1,500})$/;

function readSiteVerification({ value, problem }: Reader, publicUrl: string): Config['siteVerification'] {
  const text = value('TIKTOK_SITE_VERIFICATION');
  if (text === '') return null;
  const { name, content } = SITE_FILE.exec(text)?.groups ?? {};
  if (name === undefined || content === undefined) {
    problem(
      'TIKTOK_SITE_VERIFICATION must be <name>.txt=<content>, as TikTok shows them for a URL prefix: tiktokAbC.txt=tiktok-developers-site-verification=AbC',
    );
    return null;
  }
  const url = URL.parse(publicUrl);
  if (url?.protocol === 'http:' && !isLoopback(url.hostname))
    problem('TIKTOK_SITE_VERIFICATION needs an https EVERPOST_PUBLIC_URL: TikTok fetches nothing else');
  return { name, content };
}

/** How all platforms spell them. */
const SCOPE = /^[a-z][a-z0-9_.:-]*$/i;

/** What the consent is to ask for; absent: the usual. */
function scopes(
  { value, problem, warning }: Reader,
  permissions: Permissions,
): { scopes?: readonly string[] } {
  const name = SETTINGS.find((known) => known.name === permissions.setting)?.name;
  const listed = name === undefined ? [] : list(value(name));
  if (listed.length === 0) return {};
  const known = Object.keys(permissions.words);
  if (!listed.every((scope) => SCOPE.test(scope))) {
    problem(`${permissions.setting} must be a comma list of scopes, such as ${permissions.asked.join(',')}`);
    return {};
  }
  const unknown = listed.filter((scope) => !known.includes(scope));
  // Platforms add scopes, and some apps have what others have not.
  if (unknown.length > 0)
    warning(
      `${permissions.setting}: ${unknown.join(', ')} will be asked for, but Everpost does not know what that is; it knows ${known.join(', ')}`,
    );
  for (const row of permissions.required)
    if (!row.some((scope) => listed.includes(scope)))
      problem(`${permissions.setting} must have ${row.join(' or ')}: without it an account is of no use`);
  return { scopes: [...new Set(listed)] };
}

/** Each of the two logins by itself; one of them is enough. */
function readInstagram(read: Reader): InstagramSettings | null {
  const { value } = read;
  const instagramLogin = readInstagramLogin(read);
  // The webhook secret alone is half of the usual one.
  const alone = instagramLogin === null ? value('INSTAGRAM_WEBHOOK_SECRET') : '';
  const facebookLogin = readFacebookLogin(read, alone);
  if (facebookLogin === null && instagramLogin === null) return null;
  return {
    ...metaSecrets(read, 'Instagram', 'INSTAGRAM_WEBHOOK_SECRET', [
      'INSTAGRAM_APP_SECRET',
      'INSTAGRAM_LOGIN_APP_SECRET',
    ]),
    ...(facebookLogin === null ? {} : { facebookLogin }),
    ...(instagramLogin === null ? {} : { instagramLogin }),
  };
}

function readFacebookLogin(read: Reader, webhookSecret: string): FacebookLoginSettings | null {
  const { value, url } = read;
  const dialogUrl = url('FACEBOOK_DIALOG_URL');
  const graphUrl = url('FACEBOOK_GRAPH_URL');
  const uploadUrl = url('INSTAGRAM_UPLOAD_URL');
  const credentials = [
    'NEXT_PUBLIC_INSTAGRAM_APP_ID',
    'INSTAGRAM_APP_SECRET',
    'NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI',
  ] as const;
  if (!areComplete(read, 'Instagram', credentials, webhookSecret)) return null;
  return {
    appId: value('NEXT_PUBLIC_INSTAGRAM_APP_ID'),
    appSecret: value('INSTAGRAM_APP_SECRET'),
    redirectUri: value('NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI'),
    dialogUrl,
    graphUrl,
    uploadUrl,
    ...scopes(read, facebookLoginPermissions()),
  };
}

function readInstagramLogin(read: Reader): InstagramLoginSettings | null {
  const { value, url } = read;
  const authUrl = url('INSTAGRAM_AUTH_URL');
  const apiUrl = url('INSTAGRAM_API_URL');
  const graphUrl = url('INSTAGRAM_GRAPH_URL');
  const credentials = [
    'INSTAGRAM_LOGIN_APP_ID',
    'INSTAGRAM_LOGIN_APP_SECRET',
    'INSTAGRAM_LOGIN_REDIRECT_URI',
  ] as const;
  if (!areComplete(read, 'Instagram Login', credentials, '')) return null;
  return {
    appId: value('INSTAGRAM_LOGIN_APP_ID'),
    appSecret: value('INSTAGRAM_LOGIN_APP_SECRET'),
    redirectUri: value('INSTAGRAM_LOGIN_REDIRECT_URI'),
    authUrl,
    apiUrl,
    graphUrl,
    ...scopes(read, instagramLoginPermissions()),
  };
}

function readThreads(read: Reader): ThreadsSettings | null {
  const { value, url } = read;
  const authUrl = url('THREADS_AUTH_URL');
  const graphUrl = url('THREADS_GRAPH_URL');
  const credentials = [
    'NEXT_PUBLIC_THREADS_APP_ID',
    'THREADS_APP_SECRET',
    'NEXT_PUBLIC_THREADS_REDIRECT_URI',
  ] as const;
  if (!areComplete(read, 'Threads', credentials, value('THREADS_WEBHOOK_SECRET'))) return null;
  return {
    appId: value('NEXT_PUBLIC_THREADS_APP_ID'),
    appSecret: value('THREADS_APP_SECRET'),
    redirectUri: value('NEXT_PUBLIC_THREADS_REDIRECT_URI'),
    // Which of the two secrets signs is not confirmed (threads-facts 10.3).
    ...metaSecrets(read, 'Threads', 'THREADS_WEBHOOK_SECRET', ['THREADS_APP_SECRET', 'INSTAGRAM_APP_SECRET']),
    authUrl,
    graphUrl,
    ...scopes(read, threadsPermissions()),
  };
}

/** What tells that a call of Meta's is Meta's. */
function metaSecrets(
  { value, problem }: Reader,
  title: string,
  listed: SettingName,
  apps: readonly SettingName[],
): MetaWebhookSettings {
  const verifyToken = value('META_VERIFY_TOKEN');
  if (verifyToken === '') problem(`META_VERIFY_TOKEN is missing, but ${title} settings are set`);
  const appSecrets = secrets('', ...apps.map(value));
  return { webhookSecrets: secrets(value(listed), ...appSecrets), appSecrets, verifyToken };
}

/** The comma list, or what stands for it. */
function secrets(text: string, ...fallback: readonly string[]): string[] {
  const listed = list(text);
  return listed.length > 0 ? listed : fallback.filter((secret) => secret !== '');
}

/** Redirect URIs are registered without query and fragment, at TikTok with at most 511 characters (tiktok-facts 2.4). */
function checkRedirectUri(name: SettingName, text: string, problem: (text: string) => void): void {
  const uri = URL.parse(text);
  const loopback = uri !== null && isLoopback(uri.hostname);
  if (
    uri === null ||
    !(uri.protocol === 'https:' || (uri.protocol === 'http:' && loopback)) ||
    uri.search !== '' ||
    uri.hash !== '' ||
    text.length > 511
  )
    problem(`${name} must be an https URL (http only on localhost or 127.0.0.1) without query and fragment`);
}

const UNITS_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const LONGEST_MS = 10_000 * UNITS_MS.d;

/** `30d`, `12 hours`, or as ISO 8601 has it: `P30D`, `PT12H`. @returns null when it is none, or an absurd one */
function durationMs(text: string): number | null {
  const [, days, hours] = /^P(?:(\d+)D)?(?:T(\d+)H)?$/i.exec(text) ?? [];
  const [, count, unit] =
    /^(\d+) ?(s|m|h|d|w)(?:ec(?:ond)?s?|in(?:ute)?s?|ours?|ays?|eeks?)?$/i.exec(text) ?? [];
  const ms =
    unit === undefined
      ? Number(days ?? 0) * UNITS_MS.d + Number(hours ?? 0) * UNITS_MS.h
      : Number(count) * UNITS_MS[unitOf(unit)];
  return ms >= UNITS_MS.s && ms <= LONGEST_MS ? ms : null;
}

function unitOf(letter: string): keyof typeof UNITS_MS {
  const lower = letter.toLowerCase();
  if (lower === 's' || lower === 'm' || lower === 'h' || lower === 'd') return lower;
  return 'w';
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
