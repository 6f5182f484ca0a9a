import type { Permissions } from '../permissions.ts';

/** Needed to find the accounts of Pages and to publish to them (instagram-facts 2.1). */
const FACEBOOK_PUBLISH = [
  'instagram_basic',
  'instagram_content_publish',
  'pages_show_list',
  'pages_read_engagement',
];
/** Lists the Pages of a business portfolio (instagram-facts 2.1). */
const PORTFOLIOS = 'business_management';

/** Needed for the Page's webhooks about comments (instagram-facts 2.1 and 8.4). */
export const FACEBOOK_WEBHOOKS = ['instagram_manage_comments', 'pages_manage_metadata'];

/** Comments and statistics (instagram-facts 2.1). Media need no more than publishing. */
const FACEBOOK_SYNC = [...FACEBOOK_WEBHOOKS, 'instagram_manage_insights'];

/** @param asked the scopes that the consent asks for; default: those that publishing needs */
export function facebookLoginPermissions(
  asked: readonly string[] = [...FACEBOOK_PUBLISH, PORTFOLIOS],
): Permissions<'INSTAGRAM_SCOPES'> {
  return {
    asked,
    sync: FACEBOOK_SYNC,
    required: FACEBOOK_PUBLISH.map((scope) => [scope]),
    capabilities: {
      publish: FACEBOOK_PUBLISH,
      read_media: ['instagram_basic', 'pages_read_engagement'],
      read_comments: ['instagram_manage_comments'],
      moderate: ['instagram_manage_comments'],
      read_insights: ['instagram_manage_insights'],
    },
    words: {
      instagram_basic: 'read your Instagram profile and posts',
      instagram_content_publish: 'post to Instagram for you',
      instagram_manage_comments: 'read, hide and answer comments on your posts',
      instagram_manage_insights: 'read the statistics of your posts and account',
      instagram_manage_contents: 'delete your Instagram posts',
      instagram_manage_engagement: 'like posts on Instagram for you',
      instagram_manage_messages: 'read and answer your Instagram messages',
      instagram_branded_content_creator: 'mark your posts as branded content',
      instagram_shopping_tag_products: 'tag products in your posts',
      catalog_management: 'manage your product catalogues',
      pages_show_list: 'see which Facebook Pages you manage',
      pages_read_engagement: 'read the posts of your Facebook Pages',
      pages_manage_metadata: 'get notified when something changes on your Facebook Pages',
      [PORTFOLIOS]: 'see the Pages of your business portfolios',
      ads_management: 'manage the ads of your business',
      ads_read: 'read the ads of your business',
      public_profile: 'read your Facebook name',
      email: 'read your e-mail address',
    },
    setting: 'INSTAGRAM_SCOPES',
  };
}

const LOGIN_PUBLISH = ['instagram_business_basic', 'instagram_business_content_publish'];

/** Needed for the account's webhooks about comments (instagram-facts 3.2 and 8.4). */
export const LOGIN_WEBHOOKS = ['instagram_business_manage_comments'];

/** Comments and statistics (instagram-facts 3.2). */
const LOGIN_SYNC = [...LOGIN_WEBHOOKS, 'instagram_business_manage_insights'];

/** @param asked the scopes that the consent asks for; default: those that publishing needs */
export function instagramLoginPermissions(
  asked: readonly string[] = LOGIN_PUBLISH,
): Permissions<'INSTAGRAM_LOGIN_SCOPES'> {
  return {
    asked,
    sync: LOGIN_SYNC,
    required: LOGIN_PUBLISH.map((scope) => [scope]),
    capabilities: {
      publish: LOGIN_PUBLISH,
      read_media: ['instagram_business_basic'],
      read_comments: LOGIN_WEBHOOKS,
      moderate: LOGIN_WEBHOOKS,
      read_insights: ['instagram_business_manage_insights'],
    },
    words: {
      instagram_business_basic: 'read your profile and posts',
      instagram_business_content_publish: 'post to Instagram for you',
      instagram_business_manage_comments: 'read, hide and answer comments on your posts',
      instagram_business_manage_insights: 'read the statistics of your posts and account',
      instagram_business_manage_messages: 'read and answer your messages',
    },
    setting: 'INSTAGRAM_LOGIN_SCOPES',
  };
}
