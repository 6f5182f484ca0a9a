import { createHash, createHmac } from 'node:crypto';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { jpeg, mp4, png } from '../sandbox/testing/media.ts';
import { createInstagramClient, type InstagramClient } from '../sandbox/testing/meta.ts';
import { serveMedia, type MediaServer } from './media-server.ts';

const app = { appId: '4444', appSecret: 'meta secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const Id = Type.Object({ id: Type.String() });
const Upload = Type.Object({ id: Type.String(), uri: Type.String() });
const DAY_MS = 86_400_000;
const MIB = 1024 ** 2;

let sandbox: Sandbox;
let client: InstagramClient;
let media: MediaServer;
let token: string;
let igId: string;
let image: string;

beforeEach(async () => {
  media = await serveMedia();
  const options = { processingMs: 0 };
  sandbox = await startSandbox({ instagram: { ...app, redirectUris: [app.redirectUri], options } });
  client = createInstagramClient(sandbox.url, app);
  ({ pageToken: token, igId } = await client.connect());
  image = media.serve('/a.jpg', jpeg());
});
afterEach(async () => {
  await sandbox.close();
  await media.close();
});

const setOptions = (options: object) => client.control('POST', '/instagram/options', options);
const setAccount = (changes: object) =>
  client.control('POST', '/instagram/accounts', { username: 'sandbox_creator', ...changes });
const advance = (advanceMs: number) => client.control('POST', '/clock', { advanceMs });
const fault = (spec: object) => client.control('POST', '/faults', spec);
const count = () => client.control('GET', '/instagram/count');
const post = (path: string, params: Record<string, string> = {}) => client.call(token, 'POST', path, params);
const get = (path: string, params: Record<string, string> = {}) => client.call(token, 'GET', path, params);
const create = (params: Record<string, string>) => post(`/${igId}/media`, params);
const publish = (creation_id: string) => post(`/${igId}/media_publish`, { creation_id });
const error = (code: number, error_subcode?: number) => ({
  status: 400,
  body: { error: { code, ...(error_subcode === undefined ? {} : { error_subcode }) } },
});

async function container(params: Record<string, string>): Promise<string> {
  return (await client.ask(Id, token, 'POST', `/${igId}/media`, params)).id;
}

async function expectStatus(id: string, status_code: string): Promise<string> {
  await vi.waitFor(
    async () => expect((await get(`/${id}`, { fields: 'status_code' })).body).toEqual({ id, status_code }),
    { interval: 10 },
  );
  return (await get(`/${id}`, { fields: 'status' })).text;
}

async function finished(params: Record<string, string>): Promise<string> {
  const id = await container(params);
  await expectStatus(id, 'FINISHED');
  return id;
}

async function live(params: Record<string, string>): Promise<string> {
  const creation_id = await finished(params);
  return (await client.ask(Id, token, 'POST', `/${igId}/media_publish`, { creation_id })).id;
}

const reel = (film: Parameters<typeof mp4>[0] = {}) => ({
  media_type: 'REELS',
  video_url: media.serve('/a.mp4', mp4(film)),
});
const item = (path: string, changes: object = {}) => ({
  image_url: media.serve(path, jpeg()),
  is_carousel_item: 'true',
  ...changes,
});

describe('an image', () => {
  it('is published once, under another id', async () => {
    const bytes = jpeg(1_080, 1_350);
    const id = await finished({ image_url: media.serve('/b.jpg', bytes), caption: 'Grüße #a' });
    const { id: mediaId } = await client.ask(Id, token, 'POST', `/${igId}/media_publish`, {
      creation_id: id,
    });
    expect(mediaId).not.toBe(id);
    expect(String(Number(mediaId))).not.toBe(mediaId);
    await expectStatus(id, 'PUBLISHED');
    expect(await publish(id)).toMatchObject(error(24, 2_207_006));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([
      { id, mediaId, live: true, caption: 'Grüße #a', sha256: [sha256], ignored: [] },
    ]);
    expect(await count()).toMatchObject({ live: 1, publishCalls: 2 });
    const fields = 'caption,media_type,media_product_type,permalink,timestamp,owner{id}';
    expect((await get(`/${mediaId}`, { fields })).body).toEqual({
      id: mediaId,
      caption: 'Grüße #a',
      media_type: 'IMAGE',
      media_product_type: 'FEED',
      permalink: expect.stringMatching(/^https:\/\/www\.instagram\.com\/p\//),
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/),
      owner: { id: igId },
    });
  });

  it.each([
    ['IMAGE, which is no type', { media_type: 'IMAGE', image_url: 'a' }, 100, 2_207_023],
    ['a caption of 2201', { caption: 'x'.repeat(2_201) }, 36_004, 2_207_010],
    ['31 hashtags', { caption: '#ä '.repeat(31) }, 100, undefined],
    ['21 people', { caption: '@a '.repeat(21) }, 100, undefined],
    ['a long alt text', { alt_text: 'x'.repeat(1_001) }, 100, undefined],
    ['tags without places', { user_tags: '[{"username":"a"}]' }, 100, undefined],
    ['tags beside the picture', { user_tags: '[{"username":"a","x":1.1,"y":0}]' }, 100, undefined],
    ['four collaborators', { collaborators: '["a","b","c","d"]' }, 100, undefined],
    ['a location that is none', { location_id: 'Berlin' }, 100, undefined],
    ['a cover', { cover_url: 'https://media.example/c.jpg' }, 100, undefined],
    ['a boolean that is none', { share_to_feed: 'yes' }, 100, undefined],
    ['a URL that is not ASCII', { image_url: 'https://media.example/ü.jpg' }, 100, undefined],
    ['two sources', { video_url: 'https://media.example/a.mp4' }, 100, undefined],
  ])('is refused with %s', async (_what, params, code, subcode) => {
    expect(await create({ image_url: image, ...params })).toMatchObject(error(code, subcode));
    expect(await create({})).toMatchObject(error(100));
    expect(await client.control('GET', '/instagram/publishes')).toEqual([]);
  });

  it('may have 2200 characters, 30 hashtags, 20 people and placed tags', async () => {
    const marks = '#t '.repeat(30) + '@p '.repeat(20);
    await container({
      image_url: image,
      caption: marks + 'x'.repeat(2_200 - marks.length),
      alt_text: 'x'.repeat(1_000),
      user_tags: '[{"username":"a","x":0,"y":1}]',
      collaborators: '["a","b","c"]',
      made_up: '1',
    });
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([{ ignored: ['made_up'] }]);
  });

  it.each([
    ['is a PNG', png(), 36_001, 2_207_005],
    ['is nothing', Buffer.from('nothing'), 36_001, 2_207_005],
    ['is too high', jpeg(1_000, 1_252), 36_003, 2_207_009],
    ['is too wide', jpeg(1_000, 522), 36_003, 2_207_009],
    ['is too large', jpeg(1_080, 1_080, 8 * MIB + 1), 36_000, 2_207_004],
  ])('is refused if the file %s', async (_what, bytes, code, subcode) => {
    const image_url = media.serve('/bad.jpg', bytes);
    expect(await create({ image_url })).toMatchObject(error(code, subcode));
    await setOptions({ imageErrors: 'status' });
    const id = await container({ image_url });
    expect(await expectStatus(id, 'ERROR')).toContain(String(subcode));
    expect(await publish(id)).toMatchObject(error(9_007, 2_207_027));
  });

  it('may have any ratio in a story, and 8 MiB', async () => {
    const image_url = media.serve('/high.jpg', jpeg(1_080, 1_920, 8 * MIB));
    const id = await live({ image_url, media_type: 'STORIES' });
    expect((await get(`/${id}`, { fields: 'media_product_type' })).body).toMatchObject({
      media_product_type: 'STORY',
    });
    expect((await get(`/${igId}/media`)).body).toEqual({ data: [] });
    expect((await get(`/${igId}/stories`)).body).toMatchObject({ data: [{ id }] });
    await advance(DAY_MS + 1);
    expect((await get(`/${igId}/stories`)).body).toEqual({ data: [] });
  });

  it('is refused if its host does not serve it', async () => {
    media.serve('/page.html', Buffer.from('<html>'));
    for (const path of ['/missing.jpg', '/moved.jpg', '/page.html']) {
      expect(await create({ image_url: media.base + path })).toMatchObject(error(9_004, 2_207_052));
    }
  });
});

describe('a reel', () => {
  it('is pulled, checked, and reads back as VIDEO', async () => {
    const bytes = mp4();
    const cover_url = media.serve('/cover.jpg', jpeg(1_080, 1_920));
    const video_url = media.serve('/r.mp4', bytes);
    const params = { media_type: 'REELS', video_url, cover_url, share_to_feed: 'true', thumb_offset: '0' };
    const id = await live({ ...params, caption: 'reel', trial_params: '{"graduation_strategy":"MANUAL"}' });
    expect((await get(`/${id}`, { fields: 'media_type,media_product_type' })).body).toEqual({
      id,
      media_type: 'VIDEO',
      media_product_type: 'REELS',
    });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([
      { sha256: [expect.any(String), sha256], durationMs: 5_000 },
    ]);
  });

  it.each([
    { durationMs: 2_999 },
    { durationMs: 900_001 },
    { width: 1_921 },
    { fps: 61 },
    { codec: 'vp09' },
    { moovFirst: false },
  ])('fails with %o', async (film) => {
    expect(await expectStatus(await container(reel(film)), 'ERROR')).toContain('2207026');
  });

  it('fails with a thumbnail after its end', async () => {
    const id = await container({ ...reel({ durationMs: 5_000 }), thumb_offset: '5000' });
    expect(await expectStatus(id, 'ERROR')).toContain('2207057');
    await finished({ ...reel({ durationMs: 5_000 }), thumb_offset: '4999' });
  });

  it('reports that the download failed', async () => {
    const id = await container({ media_type: 'REELS', video_url: `${media.base}/missing.mp4` });
    expect(await expectStatus(id, 'ERROR')).toContain('Error: Media download has failed');
    await setOptions({ statusCodeOnError: 'empty' });
    expect((await get(`/${id}`, { fields: 'status_code' })).body).toEqual({ id, status_code: '' });
  });

  it('fails on request', async () => {
    await client.control('POST', '/instagram/fail-next', { subcode: '2207082' });
    expect(await expectStatus(await container(reel()), 'ERROR')).toContain('error code 2207082');
    expect(await count()).toMatchObject({ failed: 1, live: 0 });
  });

  it.each([
    ['tags with places', { user_tags: '[{"username":"a","x":0,"y":0}]' }, 100],
    ['an alt text', { alt_text: 'x' }, 100],
    ['a trial that is none', { trial_params: '{"graduation_strategy":"LATER"}' }, 100],
    ['a negative thumb', { thumb_offset: '-1' }, 1],
  ])('is refused with %s', async (_what, params, code) => {
    expect(await create({ ...reel(), ...params })).toMatchObject(error(code));
  });

  it('is not a standalone VIDEO', async () => {
    const id = await finished({ ...reel(), media_type: 'VIDEO' });
    expect(await publish(id)).toMatchObject(error(100, 2_207_089));
  });

  it('can be a story of at most a minute', async () => {
    const story = { ...reel({ durationMs: 60_001 }), media_type: 'STORIES' };
    await expectStatus(await container(story), 'ERROR');
    await expectStatus(
      await container({ ...reel({ durationMs: 60_000 }), media_type: 'STORIES' }),
      'FINISHED',
    );
  });
});

const carousel = (children: string[]) =>
  create({ media_type: 'CAROUSEL', children: JSON.stringify(children) });

describe('a carousel', () => {
  it('holds finished children in their order, and counts once', async () => {
    const first = await finished(item('/1.jpg', { alt_text: 'one' }));
    const second = await finished({ ...reel(), media_type: 'VIDEO', is_carousel_item: 'true' });
    const id = await live({ media_type: 'CAROUSEL', children: `${first},${second}`, caption: 'both' });
    expect((await get(`/${id}`, { fields: 'media_type,children{media_type,alt_text}' })).body).toMatchObject({
      media_type: 'CAROUSEL_ALBUM',
      children: { data: [{ media_type: 'IMAGE', alt_text: 'one' }, { media_type: 'VIDEO' }] },
    });
    expect((await get(`/${id}`, { fields: 'children{permalink}' })).status).toBe(400);
    expect((await get(`/${igId}/content_publishing_limit`)).body).toEqual({ data: [{ quota_usage: 1 }] });
    await expectStatus(first, 'PUBLISHED');
    expect(await count()).toMatchObject({ containers: 1, live: 1 });
  });

  it('needs 2 to 10 children that are carousel items of this account', async () => {
    const child = await finished(item('/1.jpg'));
    const plain = await finished({ image_url: image });
    expect(await carousel([child])).toMatchObject(error(100, 2_207_028));
    const eleven = Array.from({ length: 11 }, (_, index) => String(index));
    expect(await carousel(eleven)).toMatchObject(error(100, 2_207_028));
    expect(await carousel([child, plain])).toMatchObject(error(100));
    expect(await carousel([child, '1'])).toMatchObject(error(24, 2_207_008));
    expect(await carousel([child, child])).toMatchObject(error(100));
    expect(await publish(child)).toMatchObject(error(100));
  });

  it.each(['caption', 'location_id', 'collaborators', 'is_ai_generated'])(
    'has no %s on children',
    async (name) => {
      const value = { location_id: '1', is_ai_generated: 'true' }[name] ?? 'x';
      expect(await create(item('/1.jpg', { [name]: value }))).toMatchObject(error(100));
    },
  );

  it('cannot be created over unfinished children; or waits for them', async () => {
    await setOptions({ processingMs: 60_000 });
    const children = `${await container(item('/1.jpg'))},${await container(item('/2.jpg'))}`;
    expect(await create({ media_type: 'CAROUSEL', children })).toMatchObject(error(9_007, 2_207_027));
    await setOptions({ unfinishedChildren: 'wait', processingMs: 0 });
    const id = await container({ media_type: 'CAROUSEL', children });
    expect(await publish(id)).toMatchObject(error(9_007, 2_207_027));
    await advance(60_000);
    await expectStatus(id, 'FINISHED');
  });
});

describe('publishing', () => {
  it('waits for FINISHED, and expires after 24 hours', async () => {
    await setOptions({ processingMs: 60_000 });
    const id = await container({ image_url: image });
    expect((await get(`/${id}`, { fields: 'status_code,status' })).body).toMatchObject({
      status_code: 'IN_PROGRESS',
    });
    expect(await publish(id)).toMatchObject(error(9_007, 2_207_027));
    await advance(60_000);
    await expectStatus(id, 'FINISHED');
    await advance(DAY_MS);
    await expectStatus(id, 'EXPIRED');
    expect(await publish(id)).toMatchObject(error(24, 2_207_008));
    expect(await publish('1')).toMatchObject(error(24, 2_207_008));
    expect(await post(`/${igId}/media_publish`)).toMatchObject(error(100));
    expect(await count()).toMatchObject({ live: 0, expired: 1 });
  });

  it('has a quota in sliding 24 hours', async () => {
    await setAccount({ quotaTotal: 1 });
    const [first, second] = [await finished({ image_url: image }), await finished({ image_url: image })];
    expect((await publish(first)).status).toBe(200);
    expect(await publish(second)).toMatchObject(error(9, 2_207_042));
    const fields = 'quota_usage,config';
    expect((await get(`/${igId}/content_publishing_limit`, { fields })).body).toEqual({
      data: [{ quota_usage: 1, config: { quota_total: 1, quota_duration: 86_400 } }],
    });
    const since = String(Math.floor(Date.now() / 1_000) - 90_000);
    expect(await get(`/${igId}/content_publishing_limit`, { since })).toMatchObject(error(100));
    await setOptions({ containerSeconds: 200_000 });
    await advance(DAY_MS - 60_000);
    expect((await publish(second)).status).toBe(400);
    await advance(60_000);
    expect((await publish(second)).status).toBe(200);
  });

  it('has a limit of containers a day', async () => {
    await setOptions({ containersPerDay: 1, throttleStatus: 403 });
    await container({ image_url: image });
    expect((await create({ image_url: image })).status).toBe(403);
    await advance(DAY_MS);
    await container({ image_url: image });
  });

  it('commits, then loses the answer', async () => {
    const [first, second] = [await finished({ image_url: image }), await finished({ image_url: image })];
    await fault({ endpoint: 'instagram.publish', kind: 'accept-then-drop' });
    await expect(publish(first)).rejects.toThrow('fetch failed');
    await expectStatus(first, 'PUBLISHED');
    const blocked = { kind: 'status', when: 'after', http: 400, code: '4/2207051' };
    await fault({ endpoint: 'instagram.publish', ...blocked });
    expect(await publish(second)).toMatchObject(error(4, 2_207_051));
    expect(await count()).toMatchObject({ live: 2 });
  });

  it('injects its faults by kind of object', async () => {
    const id = await finished({ image_url: image });
    const flake = { endpoint: 'instagram.node:container', kind: 'status', http: 400, code: '100/33' };
    await fault(flake);
    expect((await client.call(token, 'GET', `/${igId}`)).status).toBe(200);
    expect(await get(`/${id}`)).toMatchObject(error(100, 33));
    expect((await get(`/${id}`)).status).toBe(200);
    await fault({ endpoint: 'instagram.container:reels', kind: 'accept-then-500' });
    expect((await create({ image_url: image })).status).toBe(200);
    expect((await create(reel())).status).toBe(500);
  });

  it('refuses restricted accounts, roles without the task and missing scopes', async () => {
    const id = await finished({ image_url: image });
    await setAccount({ restricted: true });
    expect(await publish(id)).toMatchObject(error(25, 2_207_050));
    await setAccount({ restricted: false });
    const page = { name: 'Sandbox Page', instagram: 'sandbox_creator' };
    await client.control('POST', '/instagram/pages', { ...page, tasks: ['ANALYZE'] });
    expect(await publish(id)).toMatchObject(error(10));
    await client.control('POST', '/instagram/pages', page);
    await client.connect({ scopes: ['instagram_basic', 'pages_show_list', 'pages_read_engagement'] });
    expect(await publish(id)).toMatchObject(error(10));
    expect(await count()).toMatchObject({ live: 0 });
  });

  it('counts calls of a day', async () => {
    await setOptions({ callsPerDay: 3, usageHeaders: 'always' });
    await client.control('POST', '/instagram/users', { name: 'second' });
    for (let index = 0; index < 3; index += 1) await get('/me');
    const refused = await get('/me');
    expect(refused).toMatchObject(error(80_002));
    await advance(DAY_MS);
    expect((await get('/me')).headers.get('x-app-usage')).toContain('call_count');
  });
});

const begin = () =>
  client.ask(Upload, token, 'POST', `/${igId}/media`, { media_type: 'REELS', upload_type: 'resumable' });

const offsetAt = async (uri: string) =>
  (await fetch(uri, { headers: { authorization: `OAuth ${token}` } })).text();

describe('resumable upload', () => {
  const bytes = mp4({ bytes: 3 * MIB });
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  async function send(
    uri: string,
    offset: number,
    changes: Record<string, string> = {},
    part = bytes.subarray(offset),
  ) {
    const headers = {
      authorization: `OAuth ${token}`,
      offset: String(offset),
      file_size: String(bytes.length),
    };
    const init = { method: 'POST', headers: { ...headers, ...changes }, body: Buffer.from(part) };
    const response = await fetch(uri, init);
    return { status: response.status, text: await response.text() };
  }

  it('accepts a file', async () => {
    const { id, uri } = await begin();
    expect(uri).toBe(`${sandbox.url}/rupload/ig-api-upload/v27.0/${id}`);
    expect(await send(uri, 0)).toEqual({
      status: 200,
      text: '{"success":true,"message":"Upload successful."}',
    });
    await expectStatus(id, 'FINISHED');
    expect((await get(`/${id}`, { fields: 'video_status' })).body).toMatchObject({
      video_status: { uploading_phase: { status: 'complete', bytes_transferred: bytes.length } },
    });
    expect((await publish(id)).status).toBe(200);
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([
      { sha256: [sha256], live: true },
    ]);
    expect((await send(uri, 0)).status).toBe(400);
  });

  it('resumes after a break', async () => {
    const { id, uri } = await begin();
    await fault({ endpoint: 'instagram.upload', kind: 'drop-mid', afterBytes: 100_000 });
    await expect(send(uri, 0)).rejects.toThrow('fetch failed');
    expect(await offsetAt(uri)).toBe('{"offset":100000}');
    expect((await send(uri, 50_000)).text).toContain('\\"message\\":\\"the offset must be 100000');
    expect((await send(uri, 100_000)).status).toBe(200);
    await expectStatus(id, 'FINISHED');
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([{ sha256: [sha256] }]);
  });

  it('or starts over', async () => {
    await setOptions({ uploadResume: 'restart' });
    const { uri } = await begin();
    await fault({ endpoint: 'instagram.upload', kind: 'drop-mid', afterBytes: 100_000 });
    await expect(send(uri, 0)).rejects.toThrow('fetch failed');
    expect(await offsetAt(uri)).toContain('debug_info');
    expect((await send(uri, 100_000)).status).toBe(400);
    expect((await send(uri, 0)).status).toBe(200);
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([{ sha256: [sha256] }]);
  });

  it.each([
    ['another size', { file_size: '5' }],
    ['no offset', { offset: '' }],
    ['a size above the limit', { file_size: String(300 * MIB + 1) }],
    ['a bearer', { authorization: 'Bearer x' }],
    ['another token', { authorization: 'OAuth x' }],
  ])('refuses %s', async (_what, changes) => {
    const { id, uri } = await begin();
    const { status, text } = await send(uri, 0, changes);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).toContain('"debug_info":{"retriable":');
    expect((await get(`/${id}`, { fields: 'status_code' })).body).toMatchObject({
      status_code: 'IN_PROGRESS',
    });
  });

  it('pulls a file_url, and checks the file', async () => {
    const { id, uri } = await begin();
    const headers = {
      authorization: `OAuth ${token}`,
      file_url: media.serve('/f.mp4', mp4({ durationMs: 1_000 })),
    };
    expect((await fetch(uri, { method: 'POST', headers })).status).toBe(200);
    expect(await expectStatus(id, 'ERROR')).toContain('2207026');
  });
});

describe('reading', () => {
  it('pages through own media, newest first', async () => {
    for (const [index, caption] of ['old', 'middle', 'new'].entries()) {
      await client.control('POST', '/instagram/media', {
        caption,
        createdAt: 1_700_000_000_000 + index * 1_000,
      });
    }
    const Page = Type.Object({
      data: Type.Array(Type.Object({ caption: Type.String() })),
      paging: Type.Object({
        cursors: Type.Object({ after: Type.String() }),
        next: Type.Optional(Type.String()),
      }),
    });
    const query = { fields: 'caption', limit: '2', access_token: token };
    const first = await client.ask(Page, null, 'GET', `/${igId}/media`, query);
    expect(first.data.map(({ caption }) => caption)).toEqual(['new', 'middle']);
    expect(first.paging.next).toContain(`access_token=${token}`);
    const second = await client.ask(Page, null, 'GET', `/${igId}/media`, {
      ...query,
      after: first.paging.cursors.after,
    });
    expect(second.data.map(({ caption }) => caption)).toEqual(['old']);
    expect(second.paging.next).toBeUndefined();
    const recent = await get(`/${igId}/media`, { fields: 'caption', since: '1700000002' });
    expect(recent.body).toMatchObject({ data: [{ caption: 'new' }] });
    expect((await get(`/${igId}/media`, { fields: 'rate_limit_settings' })).status).toBe(400);
  });

  it('reads, writes, hides and deletes comments', async () => {
    const id = await live({ image_url: image });
    const made = await client.control('POST', '/instagram/comments', { mediaId: id, text: 'nice' });
    expect(made).toMatchObject({ comment: { username: 'some_fan' } });
    const own = await client.ask(Id, token, 'POST', `/${id}/comments`, { message: 'thanks' });
    const list = await get(`/${id}/comments`, { fields: 'id,text,username,from' });
    expect(list.body).toMatchObject({
      data: [{ text: 'thanks' }, { text: 'nice', from: { username: 'some_fan' } }],
    });
    const reply = await client.ask(Id, token, 'POST', `/${own.id}/replies`, { message: 'below' });
    expect((await get(`/${own.id}/replies`, { fields: 'text,parent_id' })).body).toMatchObject({
      data: [{ id: reply.id, text: 'below', parent_id: own.id }],
    });
    await post(`/${own.id}`, { hide: 'true' });
    expect((await get(`/${own.id}`, { fields: 'hidden' })).body).toMatchObject({ hidden: false });
    expect((await client.call(token, 'DELETE', `/${own.id}`)).body).toEqual({ success: true });
    expect(await get(`/${reply.id}`)).toMatchObject(error(100, 33));
    await client.call(token, 'DELETE', `/${id}`);
    expect(await get(`/${id}`)).toMatchObject(error(100, 33));
  });

  it('pages through more comments than a page holds', async () => {
    const mediaId = await live({ image_url: image });
    for (let index = 0; index < 51; index += 1) {
      const comment = { mediaId, text: String(index), createdAt: 1_700_000_000_000 + index };
      await client.control('POST', '/instagram/comments', comment);
    }
    const Page = Type.Object({
      data: Type.Array(Id),
      paging: Type.Object({ cursors: Type.Object({ after: Type.String() }) }),
    });
    const { data, paging } = await client.ask(Page, token, 'GET', `/${mediaId}/comments`, { limit: '100' });
    expect(data).toHaveLength(50);
    const rest = await get(`/${mediaId}/comments`, { after: paging.cursors.after, fields: 'text' });
    expect(rest.body).toMatchObject({ data: [{ text: '0' }] });
    await setOptions({ commentCursors: false });
    expect((await get(`/${mediaId}/comments`)).body).not.toHaveProperty('paging');
  });

  it('returns insights by kind of media', async () => {
    const id = await live({ image_url: image });
    expect((await get(`/${id}/insights`, { metric: 'reach,likes' })).body).toMatchObject({
      data: [
        { name: 'reach', period: 'lifetime', values: [{ value: 0 }], id: `${id}/insights/reach/lifetime` },
        {},
      ],
    });
    const wrong = await get(`/${id}/insights`, { metric: 'reach,ig_reels_avg_watch_time' });
    expect(wrong).toMatchObject(error(100));
    expect(wrong.text).toContain('does not support the ig_reels_avg_watch_time metric');
    expect((await get(`/${id}/insights`, { metric: 'impressions' })).text).toContain('no longer supported');
    const day = { metric: 'views,likes', period: 'day' };
    expect((await get(`/${igId}/insights`, day)).text).toContain('metric_type=total_value');
    expect((await get(`/${igId}/insights`, { ...day, metric_type: 'total_value' })).body).toMatchObject({
      data: [{ name: 'views', total_value: { value: 0 } }, { name: 'likes' }],
    });
    const series = await get(`/${igId}/insights`, { metric: 'reach', period: 'day' });
    expect(series.body).toMatchObject({
      data: [{ values: [{ end_time: expect.stringMatching(/T0[78]:00:00\+0000$/) }] }],
    });
    await setOptions({ insightsDelayMs: 60_000 });
    expect((await get(`/${id}/insights`, { metric: 'reach' })).body).toEqual({ data: [] });
  });
});

const at = (path: string) =>
  fetch(`${sandbox.url}/graph${path}`, { headers: { authorization: `Bearer ${token}` } });
const proof = (message: string) => createHmac('sha256', app.appSecret).update(message).digest('hex');

describe('graph', () => {
  it('knows its versions', async () => {
    expect((await at('/me')).status).toBe(200);
    expect((await at('/v18.0/me')).headers.get('x-ad-api-version-warning')).toContain(
      'auto-upgraded to v21.0',
    );
    expect((await at('/v26.0/me')).headers.has('x-ad-api-version-warning')).toBe(false);
    expect((await at('/v27.0/me')).status).toBe(200);
    expect((await at('/v28.0/me')).status).toBe(400);
    expect((await at('/v26.0/me/no/such/path')).status).toBe(400);
  });

  it('checks appsecret_proof in the query, and requires it on request', async () => {
    expect((await get('/me', { appsecret_proof: proof('x') })).text).toContain('Invalid appsecret_proof');
    expect((await get('/me', { appsecret_proof: proof(token) })).status).toBe(200);
    await setOptions({ requireAppSecretProof: true });
    expect((await get('/me')).text).toContain('require an appsecret_proof');
    expect((await create({ image_url: image, appsecret_proof: proof(token) })).text).toContain('require');
    const timed = { appsecret_time: '5', appsecret_proof: proof(`${token}|5`) };
    expect((await get('/me', timed)).status).toBe(200);
  });

  it('ignores optional parameters in JSON', async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ image_url: image, caption: 'lost' });
    await fetch(`${sandbox.url}/graph/v26.0/${igId}/media`, { method: 'POST', headers, body });
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([{ caption: '' }]);
  });
});
