import { readFlag, readList, readUrl } from '../../settings/values.ts';
import type { Reader } from '../../settings/reader.ts';
import type { NameIn, Setting } from '../../settings/setting.ts';
import type { SyncName } from '../../settings/sync.ts';
import { areComplete, readScopes, readSecrets, type AppSettings } from '../app-settings.ts';
import { isLoopback } from '../loopback.ts';
import type { TikTokSettings } from './client.ts';
import { tiktokPermissions } from './scopes.ts';

const SETTINGS = [
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
    about: 'Comma list of secrets that may sign webhooks. Default: the client secret.',
  },
  {
    name: 'TIKTOK_SCOPES',
    fallback: '',
    about:
      'Comma list of scopes that the consent asks for; your app must have them. Default: user.info.basic, video.upload and video.publish; more with EVERPOST_SYNC=on.',
  },
  {
    name: 'TIKTOK_APP_AUDITED',
    fallback: 'false',
    about:
      'Whether TikTok has audited your app. Until then, direct posts must be private, on private accounts.',
  },
  {
    name: 'TIKTOK_SITE_VERIFICATION',
    fallback: '',
    about:
      'name=content of the file that verifies EVERPOST_PUBLIC_URL at TikTok, which then fetches photos and videos from it.',
  },
  { name: 'TIKTOK_AUTH_URL', fallback: 'https://www.tiktok.com', about: 'Base URL of the consent page.' },
  { name: 'TIKTOK_API_URL', fallback: 'https://open.tiktokapis.com', about: 'Base URL of the API.' },
  {
    name: 'TIKTOK_UPLOAD_HOSTS',
    fallback: '*.tiktokapis.com',
    about: 'Allowed hosts of upload URLs: comma list, *. for subdomains, optional :port.',
  },
] as const satisfies readonly Setting[];

type Name = NameIn<typeof SETTINGS> | SyncName;

export const settings: AppSettings<TikTokSettings> = {
  settings: SETTINGS,
  redirectUris: ['NEXT_PUBLIC_TIKTOK_REDIRECT_URI'],
  read: readTikTok,
};

function readTikTok(read: Reader<Name>): TikTokSettings | null {
  const { value, problem } = read;
  const authUrl = readUrl(read, 'TIKTOK_AUTH_URL');
  const apiUrl = readUrl(read, 'TIKTOK_API_URL');
  const uploadHosts = readList(read, 'TIKTOK_UPLOAD_HOSTS');
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
    webhookSecrets: readSecrets(read, 'TIKTOK_WEBHOOK_SECRET', [value('TIKTOK_CLIENT_SECRET')]),
    authUrl,
    apiUrl,
    uploadHosts,
    audited: readFlag(read, 'TIKTOK_APP_AUDITED'),
    ...readScopes(read, tiktokPermissions()),
  };
}

/** The file at the root of the public URL that proves its ownership to TikTok. */
export interface SiteVerification {
  name: string;
  content: string;
}

/** TikTok specifies the name and the exact content of the file (tiktok-facts 4.8). */
const SITE_FILE = /^(?<name>[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.txt)=(?<content>[\x21-\x7e]{1,500})$/;

/** @returns null if it is not set: TikTok cannot fetch from this server */
export function readSiteVerification(
  { value, problem }: Reader<'TIKTOK_SITE_VERIFICATION'>,
  publicUrl: string,
): SiteVerification | null {
  const text = value('TIKTOK_SITE_VERIFICATION');
  if (text === '') return null;
  const { name, content } = SITE_FILE.exec(text)?.groups ?? {};
  if (name === undefined || content === undefined) {
    problem(
      'TIKTOK_SITE_VERIFICATION must be <name>.txt=<content>, as TikTok shows it for a URL prefix: tiktokAbC.txt=tiktok-developers-site-verification=AbC',
    );
    return null;
  }
  const url = URL.parse(publicUrl);
  if (url?.protocol === 'http:' && !isLoopback(url.hostname))
    problem('TIKTOK_SITE_VERIFICATION needs an https EVERPOST_PUBLIC_URL: TikTok does not fetch over http');
  return { name, content };
}
