import type { ParseArgsOptionsConfig } from 'node:util';
import type { SandboxOptions } from './server.ts';

/** The flags with one value. A redirect URI may be repeated, or be a list separated by commas. */
const NAMES = [
  'state-dir',
  'client-key',
  'client-secret',
  'webhook-url',
  ...['instagram', 'threads'].flatMap((provider) =>
    [
      'app-id',
      'app-secret',
      'webhook-url',
      'verify-token',
      'deauthorize-url',
      'data-deletion-url',
      'options',
    ].map((name) => `${provider}-${name}`),
  ),
  'instagram-login-app-id',
  'instagram-login-app-secret',
  'threads-meta-secret',
];
const LISTS = ['redirect-uri', 'instagram-redirect-uri', 'threads-redirect-uri'];

export const FLAGS: ParseArgsOptionsConfig = {
  port: { type: 'string', default: '0' },
  host: { type: 'string', default: '127.0.0.1' },
  options: { type: 'string', default: '{}' },
  ...Object.fromEntries(NAMES.map((name) => [name, { type: 'string' }])),
  ...Object.fromEntries(LISTS.map((name) => [name, { type: 'string', multiple: true, default: [] }])),
};

type Values = Record<string, unknown>;

function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

function required(values: Values, name: string): string {
  const value = textOf(values, name);
  if (value === undefined) throw new Error(`--${name} is required`);
  return value;
}

function listOf(values: Values, name: string): string[] {
  const value = values[name];
  return Array.isArray(value) ? value.flatMap((list) => String(list).split(',')) : [];
}

/** The providers to imitate: those with an app in the flags, at least one. */
export function sandboxOptions(values: Values): SandboxOptions {
  const stateDir = textOf(values, 'state-dir');
  const played = {
    ...(textOf(values, 'client-key') === undefined ? {} : { tiktok: tiktok(values) }),
    ...(textOf(values, 'instagram-app-id') === undefined ? {} : { instagram: instagram(values) }),
    ...(textOf(values, 'threads-app-id') === undefined ? {} : { threads: threads(values) }),
  };
  if (Object.keys(played).length === 0) {
    throw new Error('--client-key, --instagram-app-id or --threads-app-id is required');
  }
  const host = textOf(values, 'host');
  return {
    port: Number(values['port']),
    ...(host === undefined ? {} : { host }),
    ...(stateDir === undefined ? {} : { stateDir }),
    ...played,
  };
}

function tiktok(values: Values) {
  const webhookUrl = textOf(values, 'webhook-url');
  return {
    clientKey: required(values, 'client-key'),
    clientSecret: required(values, 'client-secret'),
    redirectUris: listOf(values, 'redirect-uri'),
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    options: JSON.parse(textOf(values, 'options') ?? '{}'),
  };
}

function meta(values: Values, provider: 'instagram' | 'threads') {
  const text = (name: string): string | null => textOf(values, `${provider}-${name}`) ?? null;
  return {
    appId: required(values, `${provider}-app-id`),
    appSecret: required(values, `${provider}-app-secret`),
    redirectUris: listOf(values, `${provider}-redirect-uri`),
    webhookUrl: text('webhook-url'),
    verifyToken: text('verify-token'),
    deauthorizeUrl: text('deauthorize-url'),
    dataDeletionUrl: text('data-deletion-url'),
    options: JSON.parse(text('options') ?? '{}'),
  };
}

function instagram(values: Values) {
  const loginAppId = textOf(values, 'instagram-login-app-id') ?? null;
  const loginAppSecret = textOf(values, 'instagram-login-app-secret') ?? null;
  return { ...meta(values, 'instagram'), loginAppId, loginAppSecret };
}

function threads(values: Values) {
  return { ...meta(values, 'threads'), metaSecret: textOf(values, 'threads-meta-secret') ?? null };
}
