import { isLoopback } from '../core/redirects.ts';

export interface App {
  /** The Meta app: Facebook Login, the Graph API and its webhooks. */
  appId: string;
  appSecret: string;
  /** The separate Instagram app of Instagram Login (instagram-facts 3.2); null: Instagram Login is not set up. */
  loginAppId: string | null;
  loginAppSecret: string | null;
  redirectUris: string[];
  webhookUrl: string | null;
  verifyToken: string | null;
  deauthorizeUrl: string | null;
  dataDeletionUrl: string | null;
  /** The scopes that the Meta app and the Instagram app are approved for; absent: all. */
  scopes?: string[] | undefined;
  loginScopes?: string[] | undefined;
}

/** The newest Graph version and the oldest that is served (instagram-facts 1.1 and 12). */
export const NEWEST_VERSION = 27;
export const OLDEST_VERSION = 21;

/** Facebook Login (instagram-facts 2.1). */
export const FACEBOOK_SCOPES = [
  'public_profile',
  'email',
  'instagram_basic',
  'instagram_content_publish',
  'instagram_manage_comments',
  'instagram_manage_insights',
  'instagram_manage_contents',
  'instagram_manage_engagement',
  'instagram_manage_messages',
  'instagram_branded_content_creator',
  'instagram_shopping_tag_products',
  'catalog_management',
  'pages_show_list',
  'pages_read_engagement',
  'pages_manage_metadata',
  'business_management',
  'ads_management',
  'ads_read',
];

/** Instagram Login (instagram-facts 3.2). */
export const LOGIN_SCOPES = [
  'instagram_business_basic',
  'instagram_business_content_publish',
  'instagram_business_manage_comments',
  'instagram_business_manage_messages',
  'instagram_business_manage_insights',
];

/** Checked when the app is set up: redirect URIs are https, or loopback as for an app in development. */
export function checkApp({ redirectUris, webhookUrl, verifyToken }: App): void {
  for (const uri of redirectUris) {
    const plain = uri.replace(':*/', ':1/');
    if (!URL.canParse(plain)) throw new Error(`Instagram: redirect URI ${uri} is not an absolute URL`);
    const { protocol, hostname } = new URL(plain);
    if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) continue;
    throw new Error(`Instagram: redirect URI ${uri} is not https`);
  }
  if (webhookUrl !== null && verifyToken === null) {
    throw new Error('Instagram: a webhook URL needs a verify token');
  }
}
