import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createTestClient, type TestClient } from '../sandbox/testing/client.ts';
import { createCallCounter, createCreator } from '../sandbox/testing/creator.ts';

const app = { clientKey: 'key', clientSecret: 'secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const LIST = '/v2/video/list/?fields=id';

let sandbox: Sandbox;
let client: TestClient;
let creator: ReturnType<typeof createCreator>;
let counter: ReturnType<typeof createCallCounter>;
let accessToken: string;
let openId: string;

beforeEach(async () => {
  sandbox = await startSandbox({ tiktok: { ...app, redirectUris: [app.redirectUri] } });
  client = createTestClient(sandbox.url, app);
  creator = createCreator(sandbox.url, 'tiktok');
  counter = createCallCounter(sandbox.url);
  ({ accessToken, openId } = await client.connect());
});
afterEach(() => sandbox.close());

const Listed = Type.Object({
  data: Type.Object({ videos: Type.Array(Type.Object({ id: Type.String() })) }),
});

async function list(token = accessToken): Promise<{ ids: string[] }> {
  const answer = await client.call(token, LIST, {});
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return { ids: parse(Listed, answer.body).data.videos.map(({ id }) => id) };
}

const info = async (fields: string, token = accessToken) =>
  (await client.call(token, `/v2/user/info/?fields=${fields}`, undefined, 'GET')).body;
const fault = (spec: object) => client.control('POST', '/faults', spec);

describe('calls', () => {
  it('are counted by endpoint, of all accounts or of one, also those that failed', async () => {
    await client.control('POST', '/tiktok/creators', { username: 'other' });
    const other = await client.connect('other');
    await counter.forget();
    await list();
    await fault({ endpoint: 'video.list', kind: 'drop-before' });
    await expect(list()).rejects.toThrow('fetch failed');
    await info('open_id', other.accessToken);
    await client.postForm('/v2/oauth/token/', {
      grant_type: 'refresh_token',
      refresh_token: other.refreshToken,
    });
    const tokens = { 'oauth.token': 1, 'oauth.token:refresh_token': 1 };
    expect(await counter.calls()).toEqual({
      counts: { 'video.list': 2, 'user.info': 1, ...tokens },
      total: 4,
    });
    expect(await counter.calls(openId)).toEqual({ counts: { 'video.list': 2 }, total: 2 });
    expect(await counter.calls(other.openId)).toEqual({ counts: { 'user.info': 1 }, total: 1 });
    await counter.forget();
    expect(await counter.calls()).toEqual({ counts: {}, total: 0 });
    expect(await counter.calls(openId)).toEqual({ counts: {}, total: 0 });
  });

  it('are logged with their account and query', async () => {
    await client.control('DELETE', '/requests');
    await client.call(accessToken, LIST, { cursor: 5 });
    expect(await client.control('GET', '/requests?endpoint=video.list')).toMatchObject([
      { account: openId, path: LIST, body: { cursor: 5 } },
    ]);
  });
});

describe('faults of reads', () => {
  it('everything is 500 for some calls, of one account only', async () => {
    await client.control('POST', '/tiktok/creators', { username: 'other' });
    const other = await client.connect('other');
    await fault({ endpoint: '*', kind: 'status', http: 500, times: 2, account: openId });
    expect((await list(other.accessToken)).ids).toEqual([]);
    await expect(list()).rejects.toThrow('500');
    await expect(info('open_id')).resolves.toMatchObject({ error: { code: 'internal_error' } });
    expect((await list()).ids).toEqual([]);
  });

  it('HTML comes with status 200', async () => {
    await fault({ endpoint: 'video.list', kind: 'html', http: 200 });
    expect(await client.call(accessToken, LIST, {})).toMatchObject({
      status: 200,
      text: expect.stringContaining('<html>'),
    });
  });

  it('a body is cut off, with and without a connection that breaks', async () => {
    await fault({ endpoint: 'video.list', kind: 'truncated' });
    await expect(client.call(accessToken, LIST, {})).rejects.toThrow('terminated');
    await fault({ endpoint: 'video.list', kind: 'cut' });
    const cut = await client.call(accessToken, LIST, {});
    expect(cut).toMatchObject({ status: 200, body: null });
    expect(cut.text).toMatch(/^\{"data"/);
  });

  it('a body trickles, and ends when its client leaves', async () => {
    await fault({ endpoint: 'video.list', kind: 'trickle', bytes: 40, ms: 20 });
    const startedAt = Date.now();
    expect((await list()).ids).toEqual([]);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(60);
    await fault({ endpoint: 'user.info', kind: 'trickle', ms: 60_000 });
    const response = await fetch(`${sandbox.url}/v2/user/info/?fields=open_id`, {
      headers: { authorization: `Bearer ${accessToken}` },
      signal: AbortSignal.timeout(200),
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('aborted due to timeout');
    expect((await list()).ids).toEqual([]);
  });

  it('the answer of another account or of another list comes', async () => {
    await client.control('POST', '/tiktok/creators', { username: 'other' });
    const other = await client.connect('other');
    const foreign = await creator.make({ account: other.openId, text: 'not yours' });
    await fault({
      endpoint: 'video.list',
      kind: 'instead',
      authorization: `Bearer ${other.accessToken}`,
    });
    expect((await list()).ids).toEqual([foreign]);
    expect((await list()).ids).toEqual([]);
    await fault({ endpoint: 'user.info', kind: 'instead', path: '/v2/user/info/?fields=username' });
    expect(await info('open_id')).toMatchObject({ data: { user: { username: 'sandbox_creator' } } });
    await expect(fault({ endpoint: 'user.info', kind: 'instead' })).rejects.toThrow('needs a path');
  });
});
