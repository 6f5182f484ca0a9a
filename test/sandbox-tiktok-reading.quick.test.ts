import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { parse } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createTestClient, type TestClient } from '../sandbox/testing/client.ts';
import { createCreator } from '../sandbox/testing/creator.ts';

const app = { clientKey: 'key', clientSecret: 'secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const LIST = '/v2/video/list/?fields=id,title,create_time';
const QUERY = LIST.replace('list', 'query');

let sandbox: Sandbox;
let client: TestClient;
let creator: ReturnType<typeof createCreator>;
let accessToken: string;
let openId: string;

beforeEach(async () => {
  sandbox = await startSandbox({ tiktok: { ...app, redirectUris: [app.redirectUri] } });
  client = createTestClient(sandbox.url, app);
  creator = createCreator(sandbox.url, 'tiktok');
  ({ accessToken, openId } = await client.connect());
});
afterEach(() => sandbox.close());

const Listed = Type.Object({
  data: Type.Object({
    videos: Type.Array(Type.Object({ id: Type.String(), title: Type.String() })),
    cursor: Type.Optional(Type.Integer()),
    has_more: Type.Boolean(),
  }),
});

async function list(body: object = {}, token = accessToken) {
  const answer = await client.call(token, LIST, { max_count: 20, ...body });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  const { videos, cursor, has_more } = parse(Listed, answer.body).data;
  return { ids: videos.map(({ id }) => id), titles: videos.map(({ title }) => title), cursor, has_more };
}

/** Follows cursors until `has_more` is false. */
async function listAll(): Promise<{ pages: number[]; ids: string[] }> {
  const pages: number[] = [];
  const ids: string[] = [];
  let cursor: number | undefined;
  for (;;) {
    const page = await list(cursor === undefined ? {} : { cursor });
    pages.push(page.ids.length);
    ids.push(...page.ids);
    cursor = page.cursor;
    if (!page.has_more) return { pages, ids };
  }
}

async function query(ids: string[], fields = 'id'): Promise<unknown[]> {
  const { body } = await client.call(accessToken, `/v2/video/query/?fields=${fields}`, {
    filters: { video_ids: ids },
  });
  return parse(Type.Object({ data: Type.Object({ videos: Type.Array(Type.Unknown()) }) }), body).data.videos;
}

const info = async (fields: string, token = accessToken) =>
  (await client.call(token, `/v2/user/info/?fields=${fields}`, undefined, 'GET')).body;
const setOptions = (options: object) => client.control('POST', '/tiktok/options', options);
const play = (spec: object) => client.control('POST', '/tiktok/pages', spec);
const many = (count: number) =>
  creator.makeMany({ account: openId, text: 'old', createdAt: Date.now(), count });

describe('media that is not ours', () => {
  it('is made, edited, made private, deleted and restored', async () => {
    const id = await creator.make({
      account: openId,
      text: 'hello',
      counts: { views: 5_000_000_000, likes: 3 },
      more: { duration: 61, description: 'about it' },
    });
    expect(BigInt(id)).toBeGreaterThan(2n ** 53n);
    const fields = 'id,title,video_description,duration,view_count,like_count,share_count';
    expect(await query([id], fields)).toEqual([
      {
        id,
        title: 'hello',
        video_description: 'about it',
        duration: 61,
        view_count: 5_000_000_000,
        like_count: 3,
        share_count: 0,
      },
    ]);
    await creator.edit(id, { text: 'new', more: { public: false } });
    expect(await list()).toMatchObject({ ids: [], has_more: false });
    expect(await query([id, '1'])).toEqual([]);
    expect(await info('video_count')).toMatchObject({ data: { user: { video_count: 1 } } });
    await creator.edit(id, { more: { public: true } });
    await creator.setCounts(id, { views: 5_000_000_001 });
    expect(await creator.all(openId)).toMatchObject([
      { id, text: 'new', counts: { views: 5_000_000_001, likes: 3 }, visible: true, published: false },
    ]);
    await creator.remove(id);
    expect(await list()).toMatchObject({ ids: [] });
    expect(await creator.all()).toMatchObject([{ id, visible: false }]);
    expect(await info('video_count')).toMatchObject({ data: { user: { video_count: 0 } } });
    await creator.restore(id);
    expect(await list()).toMatchObject({ titles: ['new'] });
  });

  it('comes in numbers, spread over time', async () => {
    const ids = await many(45);
    const { pages, ids: listed } = await listAll();
    expect(pages).toEqual([20, 20, 5]);
    expect(listed).toEqual(ids.toReversed());
    expect(new Set(ids).size).toBe(45);
  });

  it('has texts with NUL and half an emoji', async () => {
    const text = 'a\0b\ud83d';
    await creator.make({ account: openId, text });
    const { text: raw } = await client.call(accessToken, LIST, {});
    expect(raw).toContain(String.raw`a\u0000b\ud83d`);
    expect((await list()).titles).toEqual([text]);
  });

  it('is refused with unknown accounts, ids and fields', async () => {
    await expect(creator.make({ account: 'nobody' })).rejects.toThrow('no creator');
    await expect(creator.edit('1', { text: 'x' })).rejects.toThrow('no video 1');
    await expect(creator.make({ account: openId, counts: { hearts: 1 } })).rejects.toThrow('400');
    await expect(creator.make({ account: openId, more: { colour: 1 } })).rejects.toThrow('400');
  });

  it('shows in a lagging list only after a while, by id at once', async () => {
    await setOptions({ listLagMs: 60_000 });
    const id = await creator.make({ account: openId, text: 'late' });
    expect((await list()).ids).toEqual([]);
    expect(await query([id])).toHaveLength(1);
    await client.control('POST', '/clock', { advanceMs: 60_000 });
    expect((await list()).ids).toEqual([id]);
  });

  it('raises no event when it goes, unlike a publish of ours', async () => {
    await setOptions({ processingMs: 0, moderationMs: 0 });
    const { body } = await client.call(accessToken, '/v2/post/publish/video/init/', {
      post_info: { privacy_level: 'PUBLIC_TO_EVERYONE', title: 'ours' },
      source_info: { source: 'FILE_UPLOAD', video_size: 9, chunk_size: 9, total_chunk_count: 1 },
    });
    const Init = Type.Object({ data: Type.Object({ upload_url: Type.String() }) });
    await client.put(parse(Init, body).data.upload_url, randomBytes(9), 0, 9);
    await vi.waitFor(async () => expect(await creator.all()).toHaveLength(1));
    const [ours] = await creator.all();
    const foreign = await creator.make({ account: openId });
    expect(ours).toMatchObject({ text: 'ours', published: true });
    await creator.remove(foreign, ours?.id ?? '');
    await creator.edit(ours?.id ?? '', { more: { public: false } });
    const deliveries = parse(
      Type.Array(Type.Object({ event: Type.String(), body: Type.String() })),
      await client.control('GET', '/tiktok/deliveries'),
    );
    const gone = deliveries.filter(({ event }) => event.includes('no_longer'));
    expect(gone).toHaveLength(1);
    expect(gone[0]?.body).toContain(ours?.id);
  });

  it('is still there after a restart, also in a state of before there were deleted ones', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'sandbox-'));
    onTestFinished(() => rm(stateDir, { recursive: true }));
    const setup = { stateDir, tiktok: { ...app, redirectUris: [app.redirectUri] } };
    const first = await startSandbox(setup);
    const account = (await createTestClient(first.url, app).connect()).openId;
    const ids = await createCreator(first.url, 'tiktok').makeMany({
      account,
      createdAt: Date.now(),
      count: 2,
    });
    await first.close();
    const file = join(stateDir, 'sandbox.json');
    const saved = await readFile(file, 'utf8');
    await writeFile(file, saved.replaceAll(/"(deleted|listedAt|duration|pagePlays)":[^,}]+,/g, ''));
    const second = await startSandbox(setup);
    onTestFinished(() => second.close());
    expect(await createCreator(second.url, 'tiktok').all(account)).toMatchObject(
      ids.map((id) => ({ id, visible: true })),
    );
  });

  it('has covers and avatars whose URLs end', async () => {
    const id = await creator.make({ account: openId });
    const [video] = await query([id], 'cover_image_url');
    const { cover_image_url } = parse(Type.Object({ cover_image_url: Type.String() }), video);
    const seconds = Number(new URL(cover_image_url).searchParams.get('x-expires')) - Date.now() / 1_000;
    expect(seconds).toBeGreaterThan(6 * 3_600 - 60);
    expect(seconds).toBeLessThanOrEqual(6 * 3_600);
    expect(JSON.stringify(await info('avatar_url'))).toMatch(/x-expires=\d+/);
  });
});

describe('pages of a bad day', () => {
  it('are short or empty, and only has_more ends the list', async () => {
    const ids = await many(30);
    await play({ page: 'short', videos: 3 });
    await play({ page: 'empty', times: 2, after: 1 });
    const { pages, ids: listed } = await listAll();
    expect(pages).toEqual([3, 20, 0, 0, 7]);
    expect(listed).toEqual(ids.toReversed());
  });

  it('overlap', async () => {
    const ids = await many(30);
    await play({ page: 'overlap', videos: 2, times: 0 });
    const { pages, ids: listed } = await listAll();
    expect(pages).toEqual([20, 12]);
    expect([...new Set(listed)]).toEqual(ids.toReversed());
  });

  it('repeat a cursor, have none, or refuse the one that was sent', async () => {
    await many(30);
    const { cursor = 0 } = await list();
    await play({ page: 'repeat' });
    expect(await list({ cursor })).toMatchObject({ cursor, has_more: true });
    await play({ page: 'repeat', cursor: 7 });
    expect(await list({ cursor })).toMatchObject({ cursor: 7, has_more: true });
    await play({ page: 'no-cursor' });
    expect((await list()).cursor).toBeUndefined();
    await play({ page: 'refuse', openId });
    expect((await list()).ids).toHaveLength(20);
    await expect(list({ cursor })).rejects.toThrow('invalid_params');
    expect(await list({ cursor })).toMatchObject({ has_more: false });
  });

  it('with whole seconds, a cursor leaves out what has its second', async () => {
    await setOptions({ listTimes: 'seconds' });
    const second = 1_700_000_000_000;
    await creator.makeMany({ account: openId, createdAt: second + 900, count: 3, everyMs: 100 });
    const { cursor = 0, has_more } = await list({ max_count: 1 });
    expect({ cursor, has_more }).toEqual({ cursor: second, has_more: true });
    expect(await list({ cursor })).toMatchObject({ ids: [], has_more: false });
    expect((await list({ cursor: cursor + 1_000 })).ids).toHaveLength(3);
  });
});

describe('what the API refuses to tell', () => {
  it.each([
    ['refuse', false, { error: { code: 'scope_not_authorized' } }],
    ['omit', false, { data: { user: { open_id: expect.any(String) } } }],
    ['empty', true, { data: { user: { follower_count: null, open_id: expect.any(String) } } }],
    ['zero', true, { data: { user: { follower_count: 0, open_id: expect.any(String) } } }],
  ])('is, without the scope of statistics: %s', async (outOfScopeFields, told, expected) => {
    await creator.setProfile('sandbox_creator', { followers: 3_000_000_000 });
    expect(await info('follower_count')).toMatchObject({ data: { user: { follower_count: 3_000_000_000 } } });
    await setOptions({ outOfScopeFields });
    await client.control('POST', '/tiktok/scopes', { openId, scopes: ['user.info.basic'] });
    const answer = await info('open_id,follower_count');
    expect(answer).toMatchObject(expected);
    expect(JSON.stringify(answer).includes('"follower_count":')).toBe(told);
    expect(await client.call(accessToken, LIST, {})).toMatchObject({ status: 401 });
    expect(await client.call(accessToken, QUERY, { filters: { video_ids: ['1'] } })).toMatchObject({
      status: 401,
      body: { error: { code: 'scope_not_authorized' } },
    });
  });

  it('is more than 20 videos, or more than a sliding minute allows', async () => {
    expect((await client.call(accessToken, LIST, { max_count: 21 })).status).toBe(400);
    const video_ids = Array.from({ length: 21 }, (_none, index) => String(index));
    expect((await client.call(accessToken, QUERY, { filters: { video_ids } })).status).toBe(400);
    await setOptions({ limits: { 'video.list': 2 }, readLimitPer: 'app' });
    await list();
    await client.control('POST', '/clock', { advanceMs: 40_000 });
    const again = await client.connect();
    await list({}, again.accessToken);
    expect(await client.call(accessToken, LIST, {})).toMatchObject({
      status: 429,
      body: { error: { code: 'rate_limit_exceeded' } },
    });
    expect(await info('open_id')).toMatchObject({ data: {} });
    await client.control('POST', '/clock', { advanceMs: 20_000 });
    await list();
    await expect(list()).rejects.toThrow('429');
  });
});
