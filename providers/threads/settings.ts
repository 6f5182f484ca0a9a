import type { Reader } from '../../settings/reader.ts';
import type { NameIn, Setting } from '../../settings/setting.ts';
import type { SyncName } from '../../settings/sync.ts';
import { readUrl } from '../../settings/values.ts';
import { areComplete, readScopes, type AppSettings } from '../app-settings.ts';
import { META_SETTINGS, readMetaSecrets, type MetaName } from '../meta/settings.ts';
import type { ThreadsSettings } from './client.ts';
import { threadsPermissions } from './scopes.ts';

const SETTINGS = [
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
    about: 'Comma list of secrets that may sign webhooks. Default: the app secrets of Threads and Instagram.',
  },
  {
    name: 'THREADS_SCOPES',
    fallback: '',
    about:
      'Comma list of scopes that the consent asks for. Default: those that publishing, replying and deleting need; more with EVERPOST_SYNC=on (docs/providers/threads.md).',
  },
  { name: 'THREADS_AUTH_URL', fallback: 'https://threads.net', about: 'Base URL of the consent page.' },
  { name: 'THREADS_GRAPH_URL', fallback: 'https://graph.threads.net', about: 'Base URL of the API.' },
] as const satisfies readonly Setting[];

/** The secret of Instagram's app may also sign webhooks of Threads. */
type Name = NameIn<typeof SETTINGS> | MetaName | SyncName | 'INSTAGRAM_APP_SECRET';

export const settings: AppSettings<ThreadsSettings> = {
  settings: SETTINGS,
  shared: META_SETTINGS,
  redirectUris: ['NEXT_PUBLIC_THREADS_REDIRECT_URI'],
  read: readThreads,
};

function readThreads(read: Reader<Name>): ThreadsSettings | null {
  const { value } = read;
  const authUrl = readUrl(read, 'THREADS_AUTH_URL');
  const graphUrl = readUrl(read, 'THREADS_GRAPH_URL');
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
    // It is not confirmed which of the two secrets signs (threads-facts 10.3).
    ...readMetaSecrets(read, 'Threads', 'THREADS_WEBHOOK_SECRET', [
      'THREADS_APP_SECRET',
      'INSTAGRAM_APP_SECRET',
    ]),
    authUrl,
    graphUrl,
    ...readScopes(read, threadsPermissions()),
  };
}
