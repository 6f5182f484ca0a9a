import { Type, type Static, type TSchema } from 'typebox';
import { parse } from '../core/json.ts';
import { answerOf, createControl, visit, type Answer } from './client.ts';

/** Clients for tests and scripts: the shortest way to a connected account of Instagram or Threads. */
interface MetaTestApp {
  appId: string;
  appSecret: string;
  redirectUri: string;
}

const Token = Type.Object({ access_token: Type.String() });
const Accounts = Type.Object({
  data: Type.Array(
    Type.Object({
      id: Type.String(),
      name: Type.String(),
      access_token: Type.String(),
      instagram_business_account: Type.Optional(Type.Object({ id: Type.String(), username: Type.String() })),
    }),
  ),
});

const EVERY_INSTAGRAM_SCOPE =
  'instagram_basic,instagram_content_publish,instagram_manage_comments,instagram_manage_insights,instagram_manage_contents,pages_show_list,pages_read_engagement,pages_manage_metadata,business_management';

interface Choice {
  creator?: string;
  scopes?: string[];
  pages?: string[];
}

function createGraphCalls(root: string) {
  /** A call with the token in its header, and for POST a form. */
  async function call(
    token: string | null,
    method: string,
    path: string,
    params: Record<string, string> = {},
  ): Promise<Answer> {
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const query = new URLSearchParams(params);
    if (method === 'POST') return answerOf(await fetch(root + path, { method, headers, body: query }));
    const separator = path.includes('?') ? '&' : '?';
    const url = query.size === 0 ? root + path : `${root}${path}${separator}${query.toString()}`;
    return answerOf(await fetch(url, { method, headers }));
  }

  async function ask<S extends TSchema>(schema: S, ...args: Parameters<typeof call>): Promise<Static<S>> {
    const { status, text, body } = await call(...args);
    if (status !== 200) throw new Error(`${args[1]} ${args[2]}: ${status} ${text}`);
    return parse(schema, body);
  }

  return { call, ask };
}

export function createInstagramClient(url: string, app: MetaTestApp) {
  const control = createControl(url);
  const { call, ask } = createGraphCalls(`${url}/graph/v27.0`);

  function dialogUrl(changes: Record<string, string> = {}): string {
    const query = {
      client_id: app.appId,
      response_type: 'code',
      scope: EVERY_INSTAGRAM_SCOPE,
      redirect_uri: app.redirectUri,
      state: 'opaque state/+',
    };
    return `${url}/facebook/v27.0/dialog/oauth?${new URLSearchParams({ ...query, ...changes }).toString()}`;
  }

  /** Approves, and answers the code that the browser comes back with. */
  async function approve(choice: Choice = {}, changes: Record<string, string> = {}): Promise<string> {
    await control('POST', '/consent', { decision: 'approve', provider: 'instagram', ...choice });
    return (await visit(dialogUrl(changes))).searchParams.get('code') ?? '';
  }

  function credentials(): Record<string, string> {
    return { client_id: app.appId, client_secret: app.appSecret };
  }

  const exchange = (code: string, changes: Record<string, string> = {}): Promise<Answer> =>
    call(null, 'GET', '/oauth/access_token', {
      ...credentials(),
      redirect_uri: app.redirectUri,
      code,
      ...changes,
    });

  /** A long-lived user token, and the first page that has an account. */
  async function connect(choice: Choice = {}, scope = EVERY_INSTAGRAM_SCOPE) {
    const short = parse(Token, (await exchange(await approve(choice, { scope }))).body).access_token;
    const grant_type = 'fb_exchange_token';
    const { access_token: userToken } = await ask(Token, null, 'GET', '/oauth/access_token', {
      ...credentials(),
      grant_type,
      fb_exchange_token: short,
    });
    const fields = 'id,name,access_token,instagram_business_account{id,username}';
    const { data } = await ask(Accounts, userToken, 'GET', '/me/accounts', { fields });
    const page = data.find(({ instagram_business_account: account }) => account !== undefined);
    return {
      userToken,
      pageId: page?.id ?? '',
      pageToken: page?.access_token ?? '',
      igId: page?.instagram_business_account?.id ?? '',
    };
  }

  return { control, visit, dialogUrl, approve, credentials, exchange, connect, call, ask };
}
export type InstagramClient = ReturnType<typeof createInstagramClient>;

const LoginToken = Type.Object({ access_token: Type.String(), permissions: Type.Array(Type.String()) });
const LoginMe = Type.Object({ id: Type.String(), user_id: Type.String(), username: Type.String() });
const LOGIN_SCOPES = ['basic', 'content_publish', 'manage_comments', 'manage_insights']
  .map((name) => `instagram_business_${name}`)
  .join(',');

/** The other way to connect an Instagram account; `app` is the Instagram app. */
export function createInstagramLoginClient(url: string, app: MetaTestApp) {
  const control = createControl(url);
  const { call, ask } = createGraphCalls(`${url}/graph-instagram/v27.0`);
  const unversioned = createGraphCalls(`${url}/graph-instagram`);

  function authorizeUrl(changes: Record<string, string> = {}): string {
    const { appId: client_id, redirectUri: redirect_uri } = app;
    const query = { client_id, redirect_uri, response_type: 'code', scope: LOGIN_SCOPES, state: 's' };
    return `${url}/instagram-login/oauth/authorize?${new URLSearchParams({ ...query, ...changes }).toString()}`;
  }

  async function approve(choice: Choice = {}): Promise<string> {
    await control('POST', '/consent', { decision: 'approve', provider: 'instagram', ...choice });
    return (await visit(authorizeUrl())).searchParams.get('code') ?? '';
  }

  const exchange = (code: string, changes: Record<string, string> = {}): Promise<Answer> =>
    createGraphCalls(url).call(null, 'POST', '/instagram-api/oauth/access_token', {
      client_id: app.appId,
      client_secret: app.appSecret,
      grant_type: 'authorization_code',
      redirect_uri: app.redirectUri,
      code,
      ...changes,
    });

  async function connect(choice: Choice = {}) {
    const short = parse(LoginToken, (await exchange(await approve(choice))).body).access_token;
    const grant_type = 'ig_exchange_token';
    const query = { grant_type, client_secret: app.appSecret, access_token: short };
    const { access_token: token } = await unversioned.ask(Token, null, 'GET', '/access_token', query);
    const { user_id: igId } = await ask(LoginMe, token, 'GET', '/me', { fields: 'id,user_id,username' });
    return { token, igId };
  }

  const refresh = (token: string): Promise<Answer> =>
    unversioned.call(null, 'GET', '/refresh_access_token', {
      grant_type: 'ig_refresh_token',
      access_token: token,
    });

  return { control, visit, authorizeUrl, approve, exchange, connect, refresh, call, ask };
}

const EVERY_THREADS_SCOPE = `threads_basic,threads_content_publish,threads_manage_replies,threads_read_replies,threads_manage_insights,threads_manage_mentions,threads_delete`;
const ThreadsMe = Type.Object({ id: Type.String(), username: Type.String() });

export function createThreadsClient(url: string, app: MetaTestApp) {
  const control = createControl(url);
  const { call, ask } = createGraphCalls(`${url}/threads/v1.0`);
  const unversioned = createGraphCalls(`${url}/threads`);

  function authorizeUrl(changes: Record<string, string> = {}): string {
    const { appId: client_id, redirectUri: redirect_uri } = app;
    const query = { client_id, redirect_uri, response_type: 'code', scope: EVERY_THREADS_SCOPE, state: 's' };
    return `${url}/threads-auth/oauth/authorize?${new URLSearchParams({ ...query, ...changes }).toString()}`;
  }

  async function approve(choice: Choice = {}, changes: Record<string, string> = {}): Promise<string> {
    await control('POST', '/consent', { decision: 'approve', provider: 'threads', ...choice });
    return (await visit(authorizeUrl(changes))).searchParams.get('code') ?? '';
  }

  const exchange = (code: string, changes: Record<string, string> = {}): Promise<Answer> =>
    unversioned.call(null, 'POST', '/oauth/access_token', {
      client_id: app.appId,
      client_secret: app.appSecret,
      grant_type: 'authorization_code',
      redirect_uri: app.redirectUri,
      code,
      ...changes,
    });

  const exchangeShort = (token: string): Promise<Answer> =>
    unversioned.call(null, 'GET', '/access_token', {
      grant_type: 'th_exchange_token',
      client_secret: app.appSecret,
      access_token: token,
    });

  const refresh = (token: string): Promise<Answer> =>
    unversioned.call(null, 'GET', '/refresh_access_token', {
      grant_type: 'th_refresh_token',
      access_token: token,
    });

  async function connect(choice: Choice = {}, scope = EVERY_THREADS_SCOPE) {
    const short = parse(Token, (await exchange(await approve(choice, { scope }))).body).access_token;
    const token = parse(Token, (await exchangeShort(short)).body).access_token;
    const { id: userId, username } = await ask(ThreadsMe, token, 'GET', '/me', { fields: 'id,username' });
    return { short, token, userId, username };
  }

  return { control, visit, authorizeUrl, approve, exchange, exchangeShort, refresh, connect, call, ask };
}
export type ThreadsClient = ReturnType<typeof createThreadsClient>;
