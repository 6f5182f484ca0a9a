import { isLoopback } from '../core/redirects.ts';

export interface App {
  /** The Threads app, with its own id and secret beside the Meta app's (threads-facts 1.2). */
  appId: string;
  appSecret: string;
  /** The Meta app's secret: webhooks and callbacks may be signed with it (UNCONFIRMED, threads-facts 2.8 and 10.3). */
  metaSecret: string | null;
  redirectUris: string[];
  webhookUrl: string | null;
  verifyToken: string | null;
  deauthorizeUrl: string | null;
  dataDeletionUrl: string | null;
  /** The scopes that it is approved for; absent: all. */
  scopes?: string[] | undefined;
}

export const BASIC = 'threads_basic';

/** threads-facts 2.2. */
export const ALL_SCOPES = [
  BASIC,
  'threads_content_publish',
  'threads_manage_replies',
  'threads_read_replies',
  'threads_manage_insights',
  'threads_keyword_search',
  'threads_manage_mentions',
  'threads_delete',
  'threads_location_tagging',
  'threads_profile_discovery',
  'threads_share_to_instagram',
];

/** Redirect URIs are https (threads-facts 2.1); loopback ones are allowed too, for local tests. */
export function checkApp({ redirectUris, webhookUrl, verifyToken }: App): void {
  for (const uri of redirectUris) {
    const plain = uri.replace(':*/', ':1/');
    if (!URL.canParse(plain)) throw new Error(`Threads: redirect URI ${uri} is not an absolute URL`);
    const { protocol, hostname } = new URL(plain);
    if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) continue;
    throw new Error(`Threads: redirect URI ${uri} is not https`);
  }
  if (webhookUrl !== null && verifyToken === null) {
    throw new Error('Threads: a webhook URL needs a verify token');
  }
}
