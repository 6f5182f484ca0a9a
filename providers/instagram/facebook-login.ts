import { ProviderError } from '../errors.ts';
import { consentSources } from '../consent.ts';
import { id, record, records, text, word } from '../json.ts';
import type { Platform } from '../meta/errors.ts';
import { callGraph } from '../meta/graph.ts';
import { granted, readTokens, renewed, unreadable, withoutFragment } from '../meta/grants.ts';
import { missingFrom, type Permissions } from '../permissions.ts';
import type { Grant, OAuth, Subscription, TokenSet } from '../oauth.ts';
import { type FacebookLoginSettings, INSTAGRAM, type Login, subscription, VERSION } from './client.ts';
import { FACEBOOK_WEBHOOKS, facebookLoginPermissions } from './scopes.ts';

/** The platform that a creator logs in to. */
const FACEBOOK: Platform = { provider: 'instagram', title: 'Facebook' };

/** The most pages of a list, at 100 rows each. */
const MOST_PIECES = 20;

/** A Page and its linked professional account. */
interface LinkedPage {
  pageId: string;
  pageToken: string;
  igId: string;
  username: string | null;
  name: string | null;
}

/** Facebook Login, for accounts linked to a Page (instagram-facts 2). */
export function createFacebookLogin(settings: FacebookLoginSettings): Login {
  const permissions = facebookLoginPermissions(settings.scopes);
  return {
    method: 'facebook_login',
    permissions,
    oauth: createOAuth(settings, permissions),
    call: { base: `${settings.graphUrl}/${VERSION}`, appSecret: settings.appSecret },
    uploadUrl: settings.uploadUrl,
    tells: {
      profileFields: [],
      mediaFields: [
        'saved_count',
        'shares_count',
        'reposts_count',
        'total_like_count',
        'total_comments_count',
        'total_views_count',
      ],
      storyMetrics: ['link_clicks'],
      likes: 'instagram_manage_engagement',
    },
  };
}

/** The calls of this login about tokens and their users. */
function createCalls({ appId, appSecret, graphUrl }: FacebookLoginSettings) {
  const base = `${graphUrl}/${VERSION}`;

  async function token(params: Record<string, string>, signal: AbortSignal): Promise<TokenSet> {
    const answer = await callGraph(INSTAGRAM, {
      base,
      path: '/oauth/access_token',
      params: { client_id: appId, client_secret: appSecret, ...params },
      effect: 'read',
      signal,
    });
    return { ...readTokens(FACEBOOK, answer), scopes: [] };
  }

  return {
    token,

    longLived: (accessToken: string, signal: AbortSignal): Promise<TokenSet> =>
      token({ grant_type: 'fb_exchange_token', fb_exchange_token: accessToken }, signal),

    /** Reads the user's granted permissions, or revokes all of them. */
    permissions: (method: 'GET' | 'DELETE', accessToken: string, signal: AbortSignal) =>
      callGraph(INSTAGRAM, {
        base,
        method,
        path: '/me/permissions',
        effect: 'read',
        accessToken,
        appSecret,
        signal,
      }),

    /** The user id that callbacks use: from the profile, or else from the token itself (instagram-facts 2.5). */
    async userOf(accessToken: string, signal: AbortSignal): Promise<string> {
      const call = { base, effect: 'read', signal } as const;
      const me = { ...call, path: '/me', params: { fields: 'id' }, accessToken, appSecret };
      const profile = await callGraph(INSTAGRAM, me).catch(nullIfRefused);
      const told = id(profile?.['id']);
      if (told !== null) return told;
      const params = { input_token: accessToken, access_token: `${appId}|${appSecret}` };
      const about = await callGraph(INSTAGRAM, { ...call, path: '/debug_token', params });
      const user = id(record(about['data'])?.['user_id']);
      if (user === null) throw unreadable(FACEBOOK);
      return user;
    },
  };
}

function createOAuth(settings: FacebookLoginSettings, permissions: Permissions): OAuth {
  const calls = createCalls(settings);
  return {
    renewsItself: true,
    consentSources: consentSources(settings.dialogUrl, ['facebook.com']),

    authorizeUrl({ state }) {
      const url = new URL(`${settings.dialogUrl}/${VERSION}/dialog/oauth`);
      url.search = new URLSearchParams({
        client_id: settings.appId,
        redirect_uri: settings.redirectUri,
        state,
        response_type: 'code',
        scope: permissions.asked.join(','),
        // Without it the dialog does not ask again for declined permissions (instagram-facts 2.1).
        auth_type: 'rerequest',
      }).toString();
      return url.href;
    },

    async exchangeCode(code, _codeVerifier, signal) {
      const tokens = await granted(FACEBOOK, async () => {
        const { redirectUri } = settings;
        const short = await calls.token({ redirect_uri: redirectUri, code: withoutFragment(code) }, signal);
        return calls.longLived(short.accessToken, signal);
      });
      const [loginId, told] = await Promise.all([
        calls.userOf(tokens.accessToken, signal),
        calls.permissions('GET', tokens.accessToken, signal),
      ]);
      const scopes = records(told['data'])
        .filter((row) => row['status'] === 'granted')
        .map((row) => text(row['permission']))
        .filter((scope) => scope !== null);
      const complete = missingFrom(permissions, scopes).length === 0;
      const toldOfComments = FACEBOOK_WEBHOOKS.every((scope) => scopes.includes(scope));
      const listed = linkedPages(settings, tokens.accessToken, scopes, signal);
      // A creator who declined a permission learns which one, even if the list fails without it.
      const pages = (await (complete ? listed : listed.catch(nullIfRefused))) ?? [];
      const grants: Grant[] = [];
      for (const page of pages)
        grants.push({
          openId: page.igId,
          username: page.username,
          displayName: page.name,
          tokens: { ...tokens, scopes },
          metadata: complete && toldOfComments ? { webhooks: await subscribe(settings, page, signal) } : {},
          login: { id: loginId, page: { id: page.pageId, accessToken: page.pageToken } },
        });
      return { scopes, grants };
    },

    // A new long-lived token for one that is still valid (instagram-facts 2.3).
    refresh: (accessToken, signal) =>
      renewed(
        FACEBOOK,
        () => calls.longLived(accessToken, signal),
        () => calls.permissions('GET', accessToken, signal),
      ),

    async revoke(accessToken, signal) {
      try {
        await calls.permissions('DELETE', accessToken, signal);
      } catch (error) {
        // A refused token is dead already.
        if (!(error instanceof ProviderError) || error.kind === 'unavailable') throw error;
      }
    },
  };
}

const PAGE_FIELDS = 'id,name,access_token,tasks,instagram_business_account{id,username,name}';

/** All Pages of the creator with a linked professional account: their own, and those of their business portfolios. */
async function linkedPages(
  settings: FacebookLoginSettings,
  accessToken: string,
  scopes: readonly string[],
  signal: AbortSignal,
): Promise<LinkedPage[]> {
  const list = (path: string, fields: string) => all(settings, path, fields, accessToken, signal);
  // Portfolios are optional: the other Pages are connected in any case.
  const listed = async (path: string, fields: string) =>
    (await list(path, fields).catch(nullIfRefused)) ?? [];
  const rows = await list('/me/accounts', PAGE_FIELDS);
  if (scopes.includes('business_management'))
    for (const business of await listed('/me/businesses', 'id'))
      for (const edge of ['owned_pages', 'client_pages'])
        rows.push(...(await listed(`/${id(business['id']) ?? ''}/${edge}`, PAGE_FIELDS)));
  const pages = new Map<string, LinkedPage>();
  for (const row of rows) {
    const account = record(row['instagram_business_account']);
    const [pageId, pageToken, igId] = [id(row['id']), text(row['access_token']), id(account?.['id'])];
    if (pageId === null || pageToken === null || igId === null || pages.has(igId)) continue;
    pages.set(igId, {
      pageId,
      pageToken,
      igId,
      username: word(account?.['username']),
      name: word(account?.['name']) ?? word(row['name']),
    });
  }
  return [...pages.values()];
}

/** For calls that have a fallback. Only real refusals count; a temporary failure is thrown. */
function nullIfRefused(error: unknown): null {
  if (!(error instanceof ProviderError)) throw error;
  if (!['rejected', 'account'].includes(error.kind) && error.code !== 'object_not_found') throw error;
  return null;
}

/** All pages of a list, by cursor: `paging.next` contains the token (instagram-facts 2.4). */
async function all(
  { graphUrl, appSecret }: FacebookLoginSettings,
  path: string,
  fields: string,
  accessToken: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>[]> {
  const rows: Readonly<Record<string, unknown>>[] = [];
  let after: string | null = null;
  for (let piece = 0; piece < MOST_PIECES; piece += 1) {
    const answer: Readonly<Record<string, unknown>> = await callGraph(INSTAGRAM, {
      base: `${graphUrl}/${VERSION}`,
      path,
      params: { fields, limit: '100', ...(after === null ? {} : { after }) },
      effect: 'read',
      accessToken,
      appSecret,
      signal,
    });
    const data = records(answer['data']);
    rows.push(...data);
    const next = text(record(record(answer['paging'])?.['cursors'])?.['after']);
    if (data.length === 0 || next === null || next === after) break;
    after = next;
  }
  return rows;
}

/** Subscribes the app to the Page's webhooks (instagram-facts 8.4). */
function subscribe(
  { graphUrl, appSecret }: FacebookLoginSettings,
  { pageId, pageToken }: LinkedPage,
  signal: AbortSignal,
): Promise<Subscription> {
  return subscription(
    callGraph(INSTAGRAM, {
      base: `${graphUrl}/${VERSION}`,
      method: 'POST',
      path: `/${pageId}/subscribed_apps`,
      params: { subscribed_fields: 'feed' },
      effect: 'write',
      accessToken: pageToken,
      appSecret,
      signal,
    }),
  );
}
