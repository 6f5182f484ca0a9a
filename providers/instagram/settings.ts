import type { Reader } from '../../settings/reader.ts';
import type { NameIn, Setting } from '../../settings/setting.ts';
import type { SyncName } from '../../settings/sync.ts';
import { readUrl } from '../../settings/values.ts';
import { areComplete, readScopes, type AppSettings } from '../app-settings.ts';
import { META_SETTINGS, readMetaSecrets, type MetaName } from '../meta/settings.ts';
import type { FacebookLoginSettings, InstagramLoginSettings, InstagramSettings } from './client.ts';
import { facebookLoginPermissions, instagramLoginPermissions } from './scopes.ts';

const SETTINGS = [
  {
    name: 'NEXT_PUBLIC_INSTAGRAM_APP_ID',
    aliases: ['INSTAGRAM_APP_ID'],
    fallback: '',
    about: 'App id of your Meta app. With its secret and redirect URI it enables Facebook Login.',
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
      'Comma list of scopes that Facebook’s dialog asks for. Default: those that publishing needs; more with EVERPOST_SYNC=on (docs/providers/instagram.md).',
  },
  {
    name: 'INSTAGRAM_LOGIN_APP_ID',
    fallback: '',
    about:
      'Instagram app id (not the Meta app id). With its secret and redirect URI it enables Instagram Login.',
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
      'Comma list of scopes that Instagram Login asks for. Default: instagram_business_basic and instagram_business_content_publish; more with EVERPOST_SYNC=on.',
  },
  {
    name: 'INSTAGRAM_WEBHOOK_SECRET',
    fallback: '',
    about: 'Comma list of secrets that may sign webhooks. Default: the secrets of both apps.',
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
    about: 'Base URL for video uploads.',
  },
  {
    name: 'INSTAGRAM_AUTH_URL',
    fallback: 'https://www.instagram.com',
    about: 'Base URL of Instagram Login’s consent page.',
  },
  {
    name: 'INSTAGRAM_API_URL',
    fallback: 'https://api.instagram.com',
    about: 'Base URL of Instagram Login’s code exchange.',
  },
  {
    name: 'INSTAGRAM_GRAPH_URL',
    fallback: 'https://graph.instagram.com',
    about: 'Base URL of Instagram Login’s Graph API.',
  },
] as const satisfies readonly Setting[];

type Name = NameIn<typeof SETTINGS> | MetaName | SyncName;

export const settings: AppSettings<InstagramSettings> = {
  settings: SETTINGS,
  shared: META_SETTINGS,
  redirectUris: ['NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI', 'INSTAGRAM_LOGIN_REDIRECT_URI'],
  read: readInstagram,
};

/** Reads the two logins separately; one of them is enough. */
function readInstagram(read: Reader<Name>): InstagramSettings | null {
  const { value } = read;
  const instagramLogin = readInstagramLogin(read);
  // Without Instagram Login, a webhook secret alone is half of Facebook Login.
  const alone = instagramLogin === null ? value('INSTAGRAM_WEBHOOK_SECRET') : '';
  const facebookLogin = readFacebookLogin(read, alone);
  if (facebookLogin === null && instagramLogin === null) return null;
  return {
    ...readMetaSecrets(read, 'Instagram', 'INSTAGRAM_WEBHOOK_SECRET', [
      'INSTAGRAM_APP_SECRET',
      'INSTAGRAM_LOGIN_APP_SECRET',
    ]),
    ...(facebookLogin === null ? {} : { facebookLogin }),
    ...(instagramLogin === null ? {} : { instagramLogin }),
  };
}

function readFacebookLogin(read: Reader<Name>, webhookSecret: string): FacebookLoginSettings | null {
  const { value } = read;
  const dialogUrl = readUrl(read, 'FACEBOOK_DIALOG_URL');
  const graphUrl = readUrl(read, 'FACEBOOK_GRAPH_URL');
  const uploadUrl = readUrl(read, 'INSTAGRAM_UPLOAD_URL');
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
    ...readScopes(read, facebookLoginPermissions()),
  };
}

function readInstagramLogin(read: Reader<Name>): InstagramLoginSettings | null {
  const { value } = read;
  const authUrl = readUrl(read, 'INSTAGRAM_AUTH_URL');
  const apiUrl = readUrl(read, 'INSTAGRAM_API_URL');
  const graphUrl = readUrl(read, 'INSTAGRAM_GRAPH_URL');
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
    ...readScopes(read, instagramLoginPermissions()),
  };
}
