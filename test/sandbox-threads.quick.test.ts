import { createHash, createHmac } from 'node:crypto';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { jpeg, mp4, png } from '../sandbox/testing/media.ts';
import { createThreadsClient, type ThreadsClient } from '../sandbox/testing/meta.ts';
import { receiveWebhooks, serveMedia, type MediaServer, type Receiver } from './media-server.ts';

const app = { appId: '5555', appSecret: 'threads secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const Id = Type.Object({ id: Type.String() });
const DAY_MS = 86_400_000;

let sandbox: Sandbox;
let client: ThreadsClient;
let media: MediaServer;
let receiver: Receiver;
let token: string;
let userId: string;

beforeEach(async () => {
  media = await serveMedia();
  receiver = await receiveWebhooks('verify me');
  sandbox = await startSandbox({
    threads: {
      ...app,
      metaSecret: 'meta secret',
      redirectUris: [app.redirectUri],
      webhookUrl: receiver.url,
      verifyToken: 'verify me',
      deauthorizeUrl: `${receiver.url}/deauthorize`,
      dataDeletionUrl: `${receiver.url}/delete`,
      options: { processingMs: 0 },
    },
  });
  client = createThreadsClient(sandbox.url, app);
  ({ token, userId } = await client.connect());
});
afterEach(async () => {
  await sandbox.close();
  await media.close();
  await receiver.close();
});

const setOptions = (options: object) => client.control('POST', '/threads/options', options);
const advance = (advanceMs: number) => client.control('POST', '/clock', { advanceMs });
const post = (path: string, params: Record<string, string> = {}) => client.call(token, 'POST', path, params);
const get = (path: string, params: Record<string, string> = {}) => client.call(token, 'GET', path, params);
const create = (params: Record<string, string>) => post('/me/threads', params);
const publish = (creation_id: string) => post('/me/threads_publish', { creation_id });

async function container(params: Record<string, string>): Promise<string> {
  return (await client.ask(Id, token, 'POST', '/me/threads', params)).id;
}

async function expectStatus(id: string, status: string, error_message?: string): Promise<void> {
  const expected = { id, status, ...(error_message === undefined ? {} : { error_message }) };
  await vi.waitFor(
    async () => expect((await get(`/${id}`, { fields: 'status,error_message' })).body).toEqual(expected),
    { interval: 10 },
  );
}

async function finished(params: Record<string, string>): Promise<string> {
  const id = await container(params);
  await expectStatus(id, 'FINISHED');
  return id;
}

async function live(params: Record<string, string>): Promise<string> {
  const creation_id = await finished(params);
  return (await client.ask(Id, token, 'POST', '/me/threads_publish', { creation_id })).id;
}

const text = (value: string, more: object = {}) => ({ media_type: 'TEXT', text: value, ...more });

describe('consent', () => {
  it.each([
    [1_349_026, { client_id: 'meta app' }],
    [1_349_187, { redirect_uri: 'http://elsewhere.example/cb' }],
    [1_349_168, { redirect_uri: `https://app.example/cb` }],
    [1, { response_type: 'token' }],
    [1, { scope: 'threads_content_publish' }],
    [1, { scope: 'threads_basic,threads_everything' }],
  ])('shows error %i as JSON, and redirects nobody back', async (error_code, changes) => {
    await client.control('POST', '/consent', { decision: 'approve' });
    const page = await fetch(client.authorizeUrl(changes), { redirect: 'manual' });
    expect(page.headers.get('location')).toBeNull();
    expect(await page.json()).toMatchObject({ error_code });
  });

  it('comes back with a code or a denial, and a fragment', async () => {
    await client.control('POST', '/consent', { decision: 'approve', provider: 'threads' });
    const approved = await client.visit(client.authorizeUrl({ state: 'a b/+' }));
    expect(approved.searchParams.get('state')).toBe('a b/+');
    expect(approved.hash).toBe('#_');
    await client.control('POST', '/consent', { decision: 'deny' });
    const denied = await client.visit(client.authorizeUrl());
    expect(denied.searchParams.get('error')).toBe('access_denied');
    expect(denied.searchParams.get('error_reason')).toBe('user_denied');
    expect(denied.searchParams.has('code')).toBe(false);
  });

  it('excludes unticked scopes from the token', async () => {
    const { token: narrow } = await client.connect({ scopes: ['threads_content_publish'] });
    const query = { input_token: narrow, access_token: narrow };
    expect((await client.call(null, 'GET', '/debug_token', query)).body).toMatchObject({
      data: { is_valid: true, user_id: userId, scopes: ['threads_basic', 'threads_content_publish'] },
    });
    const answer = await client.call(narrow, 'GET', '/me/mentions');
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 10 } } });
  });
});

describe('tokens', () => {
  it('exchange a code once, with an id that no double can hold', async () => {
    const code = await client.approve();
    const wrong = await client.exchange(code, { redirect_uri: `${app.redirectUri}/` });
    expect(wrong).toMatchObject({ status: 400, body: { error_type: 'OAuthException', code: 400 } });
    const first = await client.exchange(code);
    expect(first.status).toBe(200);
    expect(first.text).toContain(`"user_id":${userId}`);
    expect(String(Number(userId))).not.toBe(userId);
    expect((await client.exchange(code)).body).toEqual({
      error_type: 'OAuthException',
      code: 400,
      error_message: 'Matching code was not found or was already used',
    });
    await setOptions({ userIdType: 'string' });
    expect((await client.exchange(await client.approve())).body).toMatchObject({ user_id: userId });
  });

  it('forget a code after an hour', async () => {
    const code = await client.approve();
    await advance(3_600_000);
    expect((await client.exchange(code)).status).toBe(400);
  });

  it('become long-lived while valid', async () => {
    const { short } = await client.connect();
    expect((await client.exchangeShort(short)).body).toMatchObject({
      token_type: 'bearer',
      expires_in: 5_183_944,
    });
    await advance(3_600_000);
    expect(await client.exchangeShort(short)).toMatchObject({
      status: 400,
      body: { error: { code: 190, error_subcode: 463 } },
    });
  });

  it('refresh after 24 hours and before 60 days', async () => {
    expect(await client.refresh(token)).toMatchObject({ status: 400, body: { error: { code: 100 } } });
    await advance(DAY_MS);
    const { body } = await client.refresh(token);
    const next = parse(Type.Object({ access_token: Type.String() }), body).access_token;
    expect(next).not.toBe(token);
    expect(body).not.toHaveProperty('refresh_token');
    expect((await get('/me')).body).toMatchObject({ error: { code: 190, error_subcode: 467 } });
    await advance(5_183_944_000);
    expect((await client.refresh(next)).body).toMatchObject({ error: { code: 190, error_subcode: 463 } });
  });

  it('do not extend a private profile’s grant', async () => {
    await client.control('POST', '/threads/profiles', { username: 'sandbox_creator', private: true });
    await advance(DAY_MS);
    expect((await client.refresh(token)).body).toMatchObject({ error: { code: 190 } });
    await setOptions({ privateGrantExtends: true });
    expect((await client.refresh(token)).status).toBe(200);
  });

  it.each([
    ['invalidate', 460],
    ['expire-tokens', 463],
    ['revoke', 458],
  ])('die by %s with 190/%i', async (call, error_subcode) => {
    await client.control('POST', `/threads/${call}`, { username: 'sandbox_creator' });
    expect(await get('/me')).toMatchObject({ status: 400, body: { error: { code: 190, error_subcode } } });
  });

  it('can hide an expired token behind 24/4279009 on publishing', async () => {
    const id = await finished(text('late'));
    await client.control('POST', '/threads/expire-tokens', {});
    expect((await publish(id)).body).toMatchObject({ error: { code: 190 } });
    await setOptions({ expiredOnPublish: '24' });
    expect((await publish(id)).body).toMatchObject({ error: { code: 24, error_subcode: 4_279_009 } });
  });
});

describe('containers', () => {
  it.each([
    ['no media type', { text: 'x' }],
    ['another media type', { media_type: 'REELS', text: 'x' }],
    ['no text', { media_type: 'TEXT' }],
    ['501 characters', text('x'.repeat(501))],
    ['126 emoji of four bytes', text('😀'.repeat(126))],
    ['no image', { media_type: 'IMAGE' }],
    ['a URL that is not ASCII', { media_type: 'IMAGE', image_url: 'https://media.example/ü.jpg' }],
    ['a reply control of its own', text('x', { reply_control: 'EVERYONE' })],
    ['a topic with a dot', text('x', { topic_tag: 'a.b' })],
    [
      'a long alt text',
      { media_type: 'IMAGE', image_url: 'https://x.example/', alt_text: 'x'.repeat(1_001) },
    ],
    ['a long poll option', text('x', { poll_attachment: `{"option_a":"${'x'.repeat(26)}","option_b":"b"}` })],
    ['a poll of one', text('x', { poll_attachment: '{"option_a":"a"}' })],
    ['a ghost that answers', text('x', { is_ghost_post: 'true', reply_to_id: '1' })],
    ['one child', { media_type: 'CAROUSEL', children: '1' }],
    ['21 children', { media_type: 'CAROUSEL', children: Array.from({ length: 21 }, (_, i) => i).join(',') }],
    ['an unknown parent', text('x', { reply_to_id: '1' })],
  ])('refuse %s', async (_what, params) => {
    expect(await create(params)).toMatchObject({
      status: 400,
      body: { error: { code: 100, type: 'THApiException' } },
    });
  });

  it('accept 500 characters and 125 emoji', async () => {
    expect((await create(text('ü'.repeat(500)))).status).toBe(200);
    expect((await create(text('😀'.repeat(125)))).status).toBe(200);
  });

  it('count unique links', async () => {
    const links = [1, 2, 3, 4, 5].map((index) => `https://x.example/${index}`).join(' ');
    await container(text(`${links} https://x.example/1`));
    const sixth = await create(text(links, { link_attachment: 'https://x.example/6' }));
    expect(sixth.body).toMatchObject({ error: { message: 'THREADS_API__LINK_LIMIT_EXCEEDED' } });
  });

  it('ignore a poll in array form, and misplaced fields', async () => {
    const id = await live(text('x', { poll_attachment: '{"options":["a","b"]}', alt_text: 'y' }));
    expect((await get(`/${id}`, { fields: 'poll_attachment,alt_text' })).body).toEqual({ id });
    expect(await client.control('GET', '/threads/publishes')).toMatchObject([
      { ignored: ['alt_text', 'poll_attachment'] },
    ]);
    await setOptions({ misplaced: 'refuse' });
    expect((await create(text('x', { alt_text: 'y' }))).status).toBe(400);
  });

  it('ignore optional parameters in JSON', async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify(text('as JSON', { topic_tag: 'lost' }));
    const response = await fetch(`${sandbox.url}/threads/v1.0/me/threads`, { method: 'POST', headers, body });
    expect(response.status).toBe(200);
    const [made] = parse(
      Type.Array(Type.Object({ params: Type.Record(Type.String(), Type.String()) })),
      await client.control('GET', '/threads/publishes'),
    );
    expect(made?.params).toEqual({ media_type: 'TEXT', text: 'as JSON' });
  });

  it('accept multipart forms', async () => {
    const body = new FormData();
    for (const [name, value] of Object.entries(text('as a form', { topic_tag: 'kept' }))) {
      body.set(name, value);
    }
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${sandbox.url}/threads/v1.0/me/threads`, { method: 'POST', headers, body });
    expect(await client.control('GET', '/threads/publishes')).toMatchObject([
      { params: { topic_tag: 'kept' } },
    ]);
  });

  it('fetch images during the call, and videos later', async () => {
    const bytes = png();
    const id = await live({
      media_type: 'IMAGE',
      image_url: media.serve('/a.png', bytes),
      alt_text: 'a cat',
    });
    expect((await get(`/${id}`, { fields: 'media_type,alt_text,text' })).body).toEqual({
      id,
      media_type: 'IMAGE',
      alt_text: 'a cat',
      text: '',
    });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(await client.control('GET', '/threads/publishes')).toMatchObject([
      { sha256: [sha256], live: true },
    ]);
    for (const path of ['/missing.jpg', '/moved.jpg']) {
      const refused = await create({ media_type: 'IMAGE', image_url: media.base + path });
      expect(refused.body).toMatchObject({ error: { code: 1, error_subcode: 2_207_052 } });
    }
    const gone = await container({ media_type: 'VIDEO', video_url: `${media.base}/missing.mp4` });
    await expectStatus(gone, 'ERROR', 'FAILED_DOWNLOADING_VIDEO');
  });

  it.each([
    ['INVALID_DURATION', { durationMs: 300_001 }],
    ['INVALID_ASPEC_RATIO', { width: 1_921 }],
    ['INVALID_FRAME_RATE', { fps: 22 }],
    ['FAILED_PROCESSING_VIDEO', { codec: 'vp09' }],
    ['FAILED_PROCESSING_VIDEO', { moovFirst: false }],
  ])('fail a video with %s', async (message, film) => {
    const id = await container({ media_type: 'VIDEO', video_url: media.serve('/a.mp4', mp4(film)) });
    await expectStatus(id, 'ERROR', message);
    expect((await publish(id)).body).toMatchObject({ error: { code: 24 } });
  });

  it('fail an image that is too wide, too large or invalid', async () => {
    const files = {
      wide: jpeg(1_100, 100),
      large: jpeg(100, 100, 8 * 1024 ** 2 + 1),
      none: Buffer.from('no picture'),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const image_url = media.serve(`/${name}.jpg`, bytes);
      const id = await container({ media_type: 'IMAGE', image_url });
      await expectStatus(id, 'ERROR', name === 'wide' ? 'INVALID_ASPEC_RATIO' : 'UNKNOWN');
    }
  });

  it('build a carousel from finished children', async () => {
    await setOptions({ processingMs: 60_000 });
    const item = { is_carousel_item: 'true' };
    const first = await container({ ...item, media_type: 'IMAGE', image_url: media.serve('/a.jpg', jpeg()) });
    const second = await container({ ...item, media_type: 'VIDEO', video_url: media.serve('/a.mp4', mp4()) });
    const carousel = { media_type: 'CAROUSEL', children: `${first},${second}`, text: 'two' };
    expect((await create(carousel)).body).toMatchObject({ error: { code: 24, error_subcode: 4_279_009 } });
    await vi.waitFor(async () =>
      expect(await client.control('GET', '/threads/publishes')).toMatchObject([{}, { files: [{}] }]),
    );
    await advance(60_000);
    await expectStatus(first, 'FINISHED');
    await expectStatus(second, 'FINISHED');
    expect((await publish(first)).body).toMatchObject({ error: { code: 100 } });
    await setOptions({ processingMs: 0 });
    const id = await live(carousel);
    expect((await get(`/${id}`, { fields: 'media_type,children{media_type}' })).body).toMatchObject({
      media_type: 'CAROUSEL_ALBUM',
      children: { data: [{ media_type: 'IMAGE' }, { media_type: 'VIDEO' }] },
    });
  });

  it('fail on request, and expire after 24 hours', async () => {
    await client.control('POST', '/threads/fail-next', { message: 'FAILED_PROCESSING_AUDIO' });
    await expectStatus(await container(text('x')), 'ERROR', 'FAILED_PROCESSING_AUDIO');
    const id = await finished(text('y'));
    await advance(DAY_MS);
    await expectStatus(id, 'EXPIRED');
    expect((await publish(id)).body).toMatchObject({ error: { code: 24 } });
    expect(await client.control('GET', '/threads/count')).toMatchObject({ failed: 1, expired: 1, live: 0 });
  });
});

describe('publishing', () => {
  it('makes one post from a container, with another id', async () => {
    const id = await finished(text('once'));
    const { id: postId } = await client.ask(Id, token, 'POST', '/me/threads_publish', { creation_id: id });
    expect(postId).not.toBe(id);
    await expectStatus(id, 'PUBLISHED');
    expect((await publish(id)).body).toMatchObject({ error: { code: 24, error_subcode: 4_279_009 } });
    expect(await client.control('GET', '/threads/count?text=once')).toMatchObject({
      live: 1,
      publishCalls: 2,
    });
    const { body } = await get(`/${postId}`, { fields: 'permalink,text,owner,shortcode' });
    expect(body).toMatchObject({ text: 'once', owner: { id: userId } });
    expect(body).toMatchObject({
      permalink: expect.stringMatching(/^https:\/\/www\.threads\.com\/@sandbox_creator\/post\//),
    });
  });

  it('does not find an unfinished container, or any for a while', async () => {
    await setOptions({ processingMs: 30_000, propagationMs: 7_000 });
    const id = await container(text('x'));
    expect((await publish(id)).body).toMatchObject({ error: { code: 24, error_subcode: 4_279_009 } });
    await advance(30_000);
    await expectStatus(id, 'FINISHED');
    expect((await publish(id)).body).toMatchObject({ error: { code: 24, error_subcode: 4_279_009 } });
    await advance(7_000);
    expect((await publish(id)).status).toBe(200);
  });

  it('answers a wrong user id like a missing post', async () => {
    const id = await finished(text('x'));
    const wrong = await post(`/${Number(userId)}/threads_publish`, { creation_id: id });
    expect(wrong.body).toMatchObject({ error: { code: 24, error_subcode: 4_279_009 } });
    expect((await post(`/${userId}/threads_publish`, { creation_id: id })).status).toBe(200);
  });

  it('answers the wrong kind of id with HTTP 500 and code 100', async () => {
    const id = await finished(text('x'));
    const wrong = { status: 500, body: { error: { code: 100, type: 'THApiException' } } };
    expect(await get(`/${id}`, { fields: 'permalink' })).toMatchObject(wrong);
    const { id: postId } = await client.ask(Id, token, 'POST', '/me/threads_publish', { creation_id: id });
    expect(await get(`/${postId}`, { fields: 'status' })).toMatchObject(wrong);
    expect((await get('/123456')).body).toMatchObject({ error: { code: 100, error_subcode: 33 } });
  });

  it('publishes text at once', async () => {
    const { id } = await client.ask(
      Id,
      token,
      'POST',
      '/me/threads',
      text('now', { auto_publish_text: 'true' }),
    );
    expect((await get(`/${id}`, { fields: 'text' })).body).toEqual({ id, text: 'now' });
    expect(await client.control('GET', '/threads/count')).toMatchObject({ live: 1 });
  });

  it('counts posts and replies in separate windows', async () => {
    await setOptions({ postsPerDay: 2, repliesPerDay: 1 });
    const parent = await live(text('1'));
    await live(text('2', { quote_post_id: parent }));
    const third = await finished(text('3'));
    expect((await publish(third)).body).toMatchObject({ error: { code: 9, error_subcode: 2_207_042 } });
    await live(text('answer', { reply_to_id: parent }));
    const second = await finished(text('again', { reply_to_id: parent }));
    expect((await publish(second)).status).toBe(400);
    const fields = 'quota_usage,config,reply_quota_usage';
    expect((await get('/me/threads_publishing_limit', { fields })).body).toEqual({
      data: [{ quota_usage: 2, config: { quota_total: 2, quota_duration: 86_400 }, reply_quota_usage: 1 }],
    });
    await advance(DAY_MS - 60_000);
    expect((await publish(third)).status).toBe(400);
    await advance(50_000);
    expect((await publish(third)).status).toBe(400);
    await advance(20_000);
    expect((await get('/me/threads_publishing_limit')).body).toMatchObject({ data: [{ quota_usage: 0 }] });
    const location = await get('/me/threads_publishing_limit', { fields: 'location_search_quota_usage' });
    expect(location.body).toMatchObject({ error: { code: 10 } });
  });

  it('counts a post hidden by a lost answer', async () => {
    const id = await finished(text('lost'));
    await client.control('POST', '/faults', { endpoint: 'threads.publish', kind: 'accept-then-drop' });
    await expect(publish(id)).rejects.toThrow('fetch failed');
    await expectStatus(id, 'PUBLISHED');
    expect((await get('/me/threads', { fields: 'text' })).body).toMatchObject({ data: [{ text: 'lost' }] });
    await client.control('POST', '/faults', {
      endpoint: 'threads.publish',
      kind: 'status',
      code: '4/2207051',
      http: 400,
    });
    expect((await publish(id)).body).toMatchObject({ error: { code: 4, error_subcode: 2_207_051 } });
    expect(await client.control('GET', '/threads/count')).toMatchObject({ live: 1 });
  });

  it('deletes own posts', async () => {
    await setOptions({ deletesPerDay: 1 });
    const [first, second] = [await live(text('1')), await live(text('2'))];
    expect((await client.call(token, 'DELETE', `/${first}`)).body).toEqual({
      success: true,
      deleted_id: first,
    });
    expect((await get(`/${first}`)).body).toMatchObject({ error: { code: 100, error_subcode: 33 } });
    expect((await client.call(token, 'DELETE', `/${second}`)).status).toBe(400);
  });

  it('refuses restricted profiles', async () => {
    const id = await finished(text('x'));
    await client.control('POST', '/threads/profiles', { username: 'sandbox_creator', restricted: true });
    expect((await publish(id)).body).toMatchObject({ error: { error_subcode: 4_279_013 } });
  });
});

describe('reading', () => {
  it('pages with cursors to an empty page', async () => {
    for (const value of ['1', '2', '3']) await live(text(value));
    await post(`/${await live(text('4'))}/repost`);
    const Page = Type.Object({
      data: Type.Array(Type.Object({ media_type: Type.String() })),
      paging: Type.Optional(Type.Object({ cursors: Type.Object({ after: Type.String() }) })),
    });
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const query = { fields: 'media_type', limit: '2', ...(after === undefined ? {} : { after }) };
      const page = await client.ask(Page, token, 'GET', '/me/threads', query);
      seen.push(...page.data.map(({ media_type }) => media_type));
      after = page.paging?.cursors.after;
    } while (after !== undefined);
    expect(seen.toSorted()).toEqual(['REPOST_FACADE', 'TEXT_POST', 'TEXT_POST', 'TEXT_POST', 'TEXT_POST']);
    for (const query of [{ limit: '101' }, { since: '1688540399' }, { before: 'x', after: 'y' }]) {
      expect((await get('/me/threads', query)).status).toBe(400);
    }
  });

  it('shows a conversation, hides a reply, approves another', async () => {
    const root = await live(text('root', { enable_reply_approvals: 'true' }));
    const answer = parse(
      Type.Object({ post: Id }),
      await client.control('POST', '/threads/posts', { text: 'first', replyTo: root }),
    ).post.id;
    expect((await get(`/${root}/replies`)).body).toEqual({ data: [] });
    expect((await get(`/${root}/pending_replies`)).body).toMatchObject({ data: [{ id: answer }] });
    expect((await post(`/${answer}/manage_pending_reply`, { approve: 'true' })).body).toEqual({
      success: true,
    });
    const fields = 'text,username,owner,is_reply,root_post,replied_to,hide_status';
    expect((await get(`/${root}/conversation`, { fields })).body).toMatchObject({
      data: [
        {
          text: 'first',
          username: 'some_fan',
          is_reply: true,
          root_post: { id: root },
          replied_to: { id: root },
          hide_status: 'NOT_HUSHED',
        },
      ],
    });
    await post(`/${answer}/manage_reply`, { hide: 'true' });
    expect((await get(`/${answer}`, { fields: 'hide_status,owner' })).body).toEqual({
      id: answer,
      hide_status: 'HIDDEN',
    });
    expect((await client.call(token, 'DELETE', `/${answer}`)).status).toBe(400);
  });

  it('returns insights', async () => {
    const id = await live(text('x'));
    expect((await get(`/${id}/insights`, { metric: 'views,likes' })).body).toMatchObject({
      data: [{ name: 'views', period: 'lifetime', values: [{ value: 0 }] }, { name: 'likes' }],
    });
    expect((await get(`/${id}/insights`, { metric: 'views,clicks' })).status).toBe(400);
    expect((await get('/me/threads_insights', { metric: 'views' })).text).toContain(
      'The period param is required',
    );
    const all = await get('/me/threads_insights', {
      metric: 'views,likes,clicks,followers_count',
      period: 'day',
    });
    expect(all.body).toMatchObject({
      data: [{ values: [{}] }, { total_value: { value: 0 } }, { link_total_values: [] }, { total_value: {} }],
    });
    await client.control('POST', '/threads/profiles', {
      username: 'sandbox_creator',
      linkedInstagram: false,
    });
    const followers = await get('/me/threads_insights', { metric: 'followers_count' });
    expect(followers.text).toContain('THREADS_API__FEATURE_NOT_AVAILABLE');
  });
});

describe('webhooks', () => {
  it('shake hands first, then sign', async () => {
    const id = await live(text('Grüße'));
    await receiver.arrive(1);
    const [{ body, headers } = { body: '', headers: {} }] = receiver.received;
    expect(receiver.handshakes).toBe(1);
    const hex = createHmac('sha256', app.appSecret).update(body).digest('hex');
    expect(headers).toMatchObject({ 'x-hub-signature-256': `sha256=${hex}` });
    expect(body).toContain(String.raw`https:\/\/www.threads.com\/`);
    expect(JSON.parse(body)).toMatchObject({
      app_id: app.appId,
      topic: 'interaction',
      target_id: id,
      values: { field: 'publish', value: { id } },
    });
    await client.control('POST', '/threads/posts', { text: 'schön', replyTo: id });
    await receiver.arrive(2);
    expect(receiver.received[1]?.body).toContain(String.raw`sch\u00f6n`);
    expect(receiver.received[1]?.body).toContain(`"owner_id":"${userId}"`);
    expect(receiver.handshakes).toBe(1);
  });

  it('wait until the handshake is answered', async () => {
    await client.control('POST', '/threads/app', { verifyToken: 'another' });
    await client.control('POST', '/webhooks', { retryBaseMs: 10 });
    expect(await client.control('POST', '/threads/webhooks/verify')).toEqual({
      problem: 'handshake: HTTP 403',
    });
    await live(text('x'));
    await vi.waitFor(() => expect(receiver.handshakes).toBeGreaterThan(2));
    expect(receiver.received).toEqual([]);
    await client.control('POST', '/threads/app', { verifyToken: 'verify me' });
    await receiver.arrive(1);
  });

  it('are repeated with a new time, in array form, signed by the other secret', async () => {
    await setOptions({ webhookValues: 'array', signer: 'meta' });
    await client.control('POST', '/webhooks', { duplicate: 1 });
    await live(text('x'));
    await receiver.arrive(2);
    const Body = Type.Object({ time: Type.Integer(), values: Type.Array(Type.Object({ value: Id })) });
    const [first, second] = receiver.received.map(({ body }) => parse(Body, JSON.parse(body)));
    expect(second?.values).toEqual(first?.values);
    expect(second?.time).toBe((first?.time ?? 0) + 1);
    const { body, headers } = receiver.received[0] ?? { body: '', headers: {} };
    const hex = createHmac('sha256', 'meta secret').update(body).digest('hex');
    expect(headers).toMatchObject({ 'x-hub-signature-256': `sha256=${hex}` });
  });

  it('are silent about private profiles and missing permissions', async () => {
    await client.control('POST', '/threads/profiles', { username: 'sandbox_creator', private: true });
    await live(text('x'));
    expect(await client.control('GET', '/threads/deliveries')).toEqual([]);
  });

  it('send any event, forged on request', async () => {
    const event = { field: 'mentions', targetId: userId, value: { id: '1' }, secret: 'wrong', time: 5 };
    await client.control('POST', '/threads/webhooks/send', event);
    await receiver.arrive(1);
    const { body, headers } = receiver.received[0] ?? { body: '', headers: {} };
    const hex = createHmac('sha256', 'wrong').update(body).digest('hex');
    expect(headers).toMatchObject({ 'x-hub-signature-256': `sha256=${hex}` });
    expect(JSON.parse(body)).toMatchObject({ time: 5, topic: 'interaction' });
  });

  it('call back for uninstall and deletion, and record the answer', async () => {
    receiver.answer('/hook/delete', '{"url":"https://app.example/s","confirmation_code":"abc123"}');
    await client.control('POST', '/threads/revoke', {});
    await client.control('POST', '/threads/data-deletion', {});
    await receiver.arrive(2);
    const [encoded, payload] = receiver.signedRequest(0);
    const signature = createHmac('sha256', app.appSecret).update(payload).digest('base64url');
    expect(encoded).toBe(signature);
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      algorithm: 'HMAC-SHA256',
      user_id: userId,
    });
    await vi.waitFor(async () =>
      expect(await client.control('GET', '/threads/callbacks')).toMatchObject([
        { event: 'deauthorize', state: 'delivered' },
        { event: 'data_deletion', url: 'https://app.example/s', confirmationCode: 'abc123' },
      ]),
    );
  });
});
