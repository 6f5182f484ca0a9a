import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createTestClient, type TestClient } from '../sandbox/testing/client.ts';

const app = { clientKey: 'key', clientSecret: 'secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const DIRECT = '/v2/post/publish/video/init/';
const INBOX = '/v2/post/publish/inbox/video/init/';
const PHOTOS = '/v2/post/publish/content/init/';
const STATUS = '/v2/post/publish/status/fetch/';
const CANCEL = '/v2/post/publish/cancel/';

let sandbox: Sandbox;
let client: TestClient;
let accessToken: string;
let openId: string;

beforeEach(async () => {
  const options = { processingMs: 0, moderationMs: 0 };
  sandbox = await startSandbox({ tiktok: { ...app, redirectUris: [app.redirectUri], options } });
  client = createTestClient(sandbox.url, app);
  ({ accessToken, openId } = await client.connect());
});
afterEach(() => sandbox.close());

const Init = Type.Object({
  data: Type.Object({ publish_id: Type.String(), upload_url: Type.Optional(Type.String()) }),
});
const oneChunk = (size: number) => ({
  source: 'FILE_UPLOAD',
  video_size: size,
  chunk_size: size,
  total_chunk_count: 1,
});
const inChunks = (video_size: number, chunk_size: number, total_chunk_count: number) => ({
  source: 'FILE_UPLOAD',
  video_size,
  chunk_size,
  total_chunk_count,
});
const direct = (source_info: unknown, post_info: object = {}) => ({
  post_info: { privacy_level: 'PUBLIC_TO_EVERYONE', ...post_info },
  source_info,
});

const call = (path: string, body: unknown) => client.call(accessToken, path, body);
const setOptions = (options: object) => client.control('POST', '/tiktok/options', options);
const creator = (changes: object) =>
  client.control('POST', '/tiktok/creators', { username: 'sandbox_creator', ...changes });
const roomy = { limits: { 'video.init': 1_000, 'inbox.init': 1_000, 'content.init': 1_000, status: 1_000 } };

async function init(path: string, body: unknown) {
  const answer = await call(path, body);
  if (answer.status !== 200) throw new Error(answer.text);
  const { publish_id, upload_url = '' } = parse(Init, answer.body).data;
  return { id: publish_id, uploadUrl: upload_url };
}

async function status(publish_id: string): Promise<string> {
  return (await call(STATUS, { publish_id })).text;
}

/** Fails if the status is not reached within the default second. */
async function reaches(publishId: string, wanted: string): Promise<void> {
  await vi.waitFor(async () => expect(await status(publishId)).toContain(wanted), { interval: 10 });
}

async function outcome(source: unknown, postInfo: object = {}): Promise<string> {
  return (await call(DIRECT, direct(source, postInfo))).text;
}

const pulling = (video_url: string) => outcome({ source: 'PULL_FROM_URL', video_url });
const publishes = () => client.control('GET', '/tiktok/publishes');

const query = () => call('/v2/post/publish/creator_info/query/', {});

describe('creator info', () => {
  it('shows the account’s options', async () => {
    expect((await query()).body).toMatchObject({
      data: {
        creator_username: 'sandbox_creator',
        privacy_level_options: ['PUBLIC_TO_EVERYONE', 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY'],
        duet_disabled: false,
      },
      error: { code: 'ok' },
    });
    await creator({ private: true });
    expect((await query()).body).toMatchObject({
      data: {
        privacy_level_options: ['FOLLOWER_OF_CREATOR', 'MUTUAL_FOLLOW_FRIENDS', 'SELF_ONLY'],
        duet_disabled: true,
      },
    });
  });

  it('says with HTTP 200 that the creator may not post', async () => {
    await creator({ banned: true });
    expect(await query()).toMatchObject({
      status: 200,
      body: { error: { code: 'spam_risk_user_banned_from_posting' } },
    });
  });

  it('needs video.publish, and stops after 20 in a sliding minute', async () => {
    for (let index = 0; index < 20; index += 1) expect((await query()).status).toBe(200);
    expect(await query()).toMatchObject({ status: 429, body: { error: { code: 'rate_limit_exceeded' } } });
    await client.control('POST', '/clock', { advanceMs: 60_000 });
    expect((await query()).status).toBe(200);
    ({ accessToken } = await client.connect(undefined, 'video.upload'));
    expect(await query()).toMatchObject({ status: 401, body: { error: { code: 'scope_not_authorized' } } });
  });
});

describe('video init', () => {
  it.each([
    ['chunk size', inChunks(66_259_900, 64_000_000, 1)],
    ['total chunk count', inChunks(66_259_900, 10_000_000, 7)],
    ['chunk size', oneChunk(158_008_374)],
    ['chunk size', inChunks(4_000_000, 1_000_000, 4)],
    ['chunk size', inChunks(20_000_000, 4_999_999, 4)],
    ['chunk size', inChunks(1_000, 2_000, 1)],
    ['total chunk count', inChunks(15_000_000, 10_000_000, 2)],
    ['total chunk count', inChunks(4_294_967_296, 5_000_000, 1_001)],
    ['video size', inChunks(4_294_967_297, 10_000_000, 429)],
  ])('refuses a wrong %s', async (what, source) => {
    expect(await call(DIRECT, direct(source))).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_params', message: `The ${what} is invalid` } },
    });
  });

  it('accepts the plans of tiktok-facts 4.6', async () => {
    await setOptions(roomy);
    for (const plan of [
      oneChunk(4_194_304),
      oneChunk(64_000_000),
      inChunks(64_000_001, 10_000_000, 6),
      inChunks(50_000_123, 10_000_000, 5),
      inChunks(158_008_374, 5_242_880, 30),
      inChunks(4_294_967_296, 10_000_000, 429),
    ]) {
      const { id, uploadUrl } = await init(DIRECT, direct(plan));
      expect(id).toMatch(/^v_pub_file~v2-1\.\d{19}$/);
      expect(uploadUrl.length).toBeLessThanOrEqual(256);
    }
  });

  it.each([
    ['a title that is too long', { title: 'x'.repeat(2_201) }],
    ['an unknown field', { caption: 'x' }],
    ['a wrong type', { disable_duet: 'true' }],
    ['a privacy level that does not exist', { privacy_level: 'PUBLIC' }],
    ['branded content for nobody', { privacy_level: 'SELF_ONLY', brand_content_toggle: true }],
  ])('refuses %s', async (_what, postInfo) => {
    expect(await call(DIRECT, direct(oneChunk(1_000), postInfo))).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_params' } },
    });
  });

  it('accepts 2200 UTF-16 units, and no post_info in the inbox', async () => {
    await init(DIRECT, direct(oneChunk(1_000), { title: '😀'.repeat(1_100) }));
    const answer = await call(INBOX, { source_info: oneChunk(1_000), post_info: { title: 'x' } });
    expect(answer.status).toBe(400);
    await setOptions({ ignoreUnknownFields: true });
    const { id } = await init(INBOX, { source_info: oneChunk(1_000), post_info: { title: 'x' } });
    expect(id).toMatch(/^v_inbox_file~v2\.\d{19}$/);
  });

  it('allows six a minute for each endpoint', async () => {
    for (let index = 0; index < 6; index += 1) await init(DIRECT, direct(oneChunk(1_000)));
    expect((await call(DIRECT, direct(oneChunk(1_000)))).status).toBe(429);
    await init(INBOX, { source_info: oneChunk(1_000) });
  });

  it('limits drafts, direct posts and active users', async () => {
    await setOptions({ ...roomy, dailyPostCap: 2, activeUserCap: 1 });
    for (let index = 0; index < 5; index += 1) await init(INBOX, { source_info: oneChunk(1_000) });
    expect((await call(INBOX, { source_info: oneChunk(1_000) })).body).toMatchObject({
      error: { code: 'spam_risk_too_many_pending_share' },
    });
    for (let index = 0; index < 2; index += 1) await init(DIRECT, direct(oneChunk(1_000)));
    expect(await call(DIRECT, direct(oneChunk(1_000)))).toMatchObject({
      status: 403,
      body: { error: { code: 'spam_risk_too_many_posts' } },
    });
    await creator({ username: 'second' });
    const first = accessToken;
    ({ accessToken } = await client.connect('second'));
    expect((await call(DIRECT, direct(oneChunk(1_000)))).body).toMatchObject({
      error: { code: 'reached_active_user_cap' },
    });
    accessToken = first;
    await setOptions({ accessTokenSeconds: 1_000_000 });
    ({ accessToken } = await client.connect());
    await client.control('POST', '/clock', { advanceMs: 86_400_000 });
    await init(DIRECT, direct(oneChunk(1_000)));
    await init(INBOX, { source_info: oneChunk(1_000) });
  });

  it('refuses banned creators, other privacy levels and unaudited clients', async () => {
    expect(await outcome(oneChunk(1_000), { privacy_level: 'FOLLOWER_OF_CREATOR' })).toContain(
      'privacy_level_option_mismatch',
    );
    await setOptions({ audited: false });
    expect(await outcome(oneChunk(1_000), { privacy_level: 'SELF_ONLY' })).toContain(
      'unaudited_client_can_only_post_to_private_accounts',
    );
    await creator({ private: true });
    expect(await outcome(oneChunk(1_000), { privacy_level: 'SELF_ONLY' })).toContain('"code":"ok"');
    await creator({ banned: true });
    expect(await outcome(oneChunk(1_000), { privacy_level: 'SELF_ONLY' })).toContain(
      'spam_risk_user_banned_from_posting',
    );
  });
});

describe('upload', () => {
  const MB = 1_000_000;
  const bytes = randomBytes(12 * MB);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const plan = inChunks(bytes.length, 5 * MB, 2);
  const put = (url: string, first: number, last: number) =>
    client.put(url, bytes.subarray(first, last + 1), first, bytes.length);

  it('accepts chunks in order and publishes', async () => {
    const { id, uploadUrl } = await init(DIRECT, direct(plan, { title: 'two chunks' }));
    expect(await status(id)).toContain('"status":"PROCESSING_UPLOAD"');
    const first = await put(uploadUrl, 0, 5 * MB - 1);
    expect(first.status).toBe(206);
    expect(first.headers.get('content-range')).toBe(`bytes 0-${5 * MB - 1}/${12 * MB}`);
    expect(await status(id)).toContain(`"uploaded_bytes":${5 * MB}`);
    expect((await put(uploadUrl, 5 * MB, 12 * MB - 1)).status).toBe(201);
    await reaches(id, '"status":"PUBLISH_COMPLETE"');
    await reaches(id, 'publicaly_available_post_id');
    const [, digits] = /"publicaly_available_post_id":\[(\d{19})\]/.exec(await status(id)) ?? [];
    expect(String(Number(digits))).not.toBe(digits);
    expect(await publishes()).toMatchObject([
      {
        id,
        openId,
        mode: 'direct',
        sha256,
        live: true,
        postId: digits,
        chunks: [{ first: 0 }, { last: 12 * MB - 1 }],
      },
    ]);
    expect(await client.control('GET', '/tiktok/count?title=two%20chunks')).toMatchObject({
      live: 1,
      total: 1,
    });
    expect(await client.control('GET', '/tiktok/videos')).toMatchObject([
      { id: digits, title: 'two chunks' },
    ]);
  });

  it('refuses ranges out of order, with its progress', async () => {
    const { uploadUrl } = await init(DIRECT, direct(plan));
    expect((await put(uploadUrl, 5 * MB, 12 * MB - 1)).status).toBe(416);
    await put(uploadUrl, 0, 5 * MB - 1);
    const again = await put(uploadUrl, 0, 5 * MB - 1);
    expect(again.status).toBe(416);
    expect(again.headers.get('content-range')).toBe(`bytes 0-${5 * MB - 1}/${12 * MB}`);
    await setOptions({ reputAccepted: 206, uploadRangeMeans: 'count' });
    const tolerated = await put(uploadUrl, 0, 5 * MB - 1);
    expect(tolerated.status).toBe(206);
    expect(tolerated.headers.get('content-range')).toBe(`bytes 0-${5 * MB}/${12 * MB}`);
  });

  it('refuses other boundaries, totals and content types', async () => {
    const { uploadUrl } = await init(DIRECT, direct(plan));
    expect((await put(uploadUrl, 0, 6 * MB - 1)).status).toBe(400);
    expect((await client.put(uploadUrl, bytes.subarray(0, 5 * MB), 0, 13 * MB)).status).toBe(400);
    const headers = { 'content-type': 'image/png', 'content-range': `bytes 0-${5 * MB - 1}/${12 * MB}` };
    const body = bytes.subarray(0, 5 * MB);
    expect((await fetch(uploadUrl, { method: 'PUT', headers, body })).status).toBe(400);
    expect((await put(uploadUrl, 0, 5 * MB - 1)).status).toBe(206);
  });

  it('forgets a chunk whose connection broke', async () => {
    const { id, uploadUrl } = await init(INBOX, { source_info: plan });
    await put(uploadUrl, 0, 5 * MB - 1);
    await client.control('POST', '/faults', { endpoint: 'upload', kind: 'drop-mid', afterBytes: 100_000 });
    await expect(put(uploadUrl, 5 * MB, 12 * MB - 1)).rejects.toThrow('fetch failed');
    expect(await status(id)).toContain(`"uploaded_bytes":${5 * MB}`);
    expect((await put(uploadUrl, 5 * MB, 12 * MB - 1)).status).toBe(201);
    expect(await publishes()).toMatchObject([{ sha256, live: false }]);
    await reaches(id, 'SEND_TO_USER_INBOX');
    expect(await client.control('GET', '/tiktok/count')).toMatchObject({ live: 0, delivered: 1 });
    await client.control('POST', '/tiktok/post-draft', { publishId: id });
    await reaches(id, 'publicaly_available_post_id');
    expect(await client.control('GET', '/tiktok/count')).toMatchObject({ draftsPosted: 1 });
  });

  it('accepts the URL for an hour, and no other URL', async () => {
    const { uploadUrl } = await init(DIRECT, direct(plan));
    expect((await put(`${uploadUrl}0`, 0, 5 * MB - 1)).status).toBe(404);
    await client.control('POST', '/clock', { advanceMs: 3_600_000 });
    expect((await put(uploadUrl, 0, 5 * MB - 1)).status).toBe(403);
  });

  it('fails on request, and shows no id of a private post', async () => {
    await client.control('POST', '/tiktok/fail-next', { reason: 'frame_rate_check_failed' });
    const failing = await init(DIRECT, direct(oneChunk(1_000)));
    await client.put(failing.uploadUrl, bytes.subarray(0, 1_000), 0, 1_000);
    await reaches(failing.id, '"fail_reason":"frame_rate_check_failed"');
    const hidden = await init(DIRECT, direct(oneChunk(1_000), { privacy_level: 'SELF_ONLY' }));
    await client.put(hidden.uploadUrl, bytes.subarray(0, 1_000), 0, 1_000);
    await reaches(hidden.id, 'PUBLISH_COMPLETE');
    await client.control('POST', '/clock', { advanceMs: 60_000 });
    expect(await status(hidden.id)).not.toContain('post_id');
  });
});

describe('status and cancel', () => {
  it('answers only for publishes of the same creator', async () => {
    const { id } = await init(DIRECT, direct(oneChunk(1_000)));
    expect(await status('v_pub_file~v2-1.1')).toContain('invalid_publish_id');
    expect((await call(CANCEL, { publish_id: id })).text).toContain('publish_not_cancellable');
    await creator({ username: 'second' });
    ({ accessToken } = await client.connect('second'));
    expect(await status(id)).toContain('token_not_authorized_for_specified_publish_id');
  });
});

describe('pull from URL', () => {
  let media: Server;
  let base: string;
  const file = randomBytes(100_000);
  const held: (() => void)[] = [];

  beforeEach(async () => {
    media = createServer((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/clip.mp4' }).end();
      else if (request.url === '/slow') held.push(() => response.end(file));
      else if (request.url === '/photo.png') response.end(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
      else response.end(file);
    });
    await new Promise<void>((resolve) => {
      media.listen(0, '127.0.0.1', resolve);
    });
    const address = media.address();
    base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterEach(async () => {
    for (const release of held.splice(0)) release();
    media.closeAllConnections();
    await new Promise((resolve) => {
      media.close(resolve);
    });
  });

  const url = (path: string) => ({ source: 'PULL_FROM_URL', video_url: base + path });
  const photos = (paths: string[], changes: object = {}) => ({
    media_type: 'PHOTO',
    post_mode: 'DIRECT_POST',
    post_info: {
      privacy_level: 'PUBLIC_TO_EVERYONE',
      title: 'photos',
      brand_content_toggle: false,
      brand_organic_toggle: false,
    },
    source_info: {
      source: 'PULL_FROM_URL',
      photo_images: paths.map((path) => base + path),
      photo_cover_index: 0,
    },
    ...changes,
  });

  it('fetches, counts and hashes', async () => {
    const { id } = await init(DIRECT, direct(url('/clip.mp4')));
    expect(id).toMatch(/^v_pub_url~v2\.\d{19}$/);
    await reaches(id, 'PUBLISH_COMPLETE');
    expect(await status(id)).toContain('"downloaded_bytes":100000');
    const sha256 = createHash('sha256').update(file).digest('hex');
    expect(await publishes()).toMatchObject([{ sha256, received: 100_000, live: true }]);
  });

  it('follows no redirect', async () => {
    const { id } = await init(INBOX, { source_info: url('/moved') });
    await reaches(id, '"status":"FAILED"');
    expect(await status(id)).toContain('"fail_reason":"video_pull_failed"');
  });

  it('cancels during the download', async () => {
    const { id } = await init(DIRECT, direct(url('/slow')));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    expect((await call(CANCEL, { publish_id: id })).body).toMatchObject({ error: { code: 'ok' } });
    expect(await status(id)).toContain('"fail_reason":"publish_cancelled"');
    expect((await call(CANCEL, { publish_id: id })).text).toContain('publish_not_cancellable');
  });

  it('requires https, a name and verified ownership', async () => {
    await setOptions({ ...roomy, verifiedPrefixes: ['media.example', 'https://cdn.example/a/'] });
    expect(await pulling('http://media.example/x.mp4')).toContain('invalid_params');
    expect(await pulling('https://203.0.113.7/x.mp4')).toContain('invalid_params');
    expect(await pulling('nonsense')).toContain('invalid_params');
    expect(await pulling('https://other.example/x.mp4')).toContain('url_ownership_unverified');
    expect(await pulling('https://cdn.example/b/x.mp4')).toContain('url_ownership_unverified');
    await setOptions({ verifiedLoopback: false });
    expect(await pulling(`${base}/clip.mp4`)).toContain('url_ownership_unverified');
    await setOptions({ verifiedPrefixes: [`${base}/`] });
    expect(await pulling(`${base}/clip.mp4?x=1`)).toContain('publish_id');
  });

  it('publishes photos by the rules', async () => {
    const { id } = await init(PHOTOS, photos(['/1.jpg', '/2.jpg']));
    expect(id).toMatch(/^p_pub_url~v2\.\d{19}$/);
    await reaches(id, 'publicaly_available_post_id');
    expect(await publishes()).toMatchObject([
      { kind: 'photo', files: [{ url: `${base}/1.jpg` }, { size: 100_000 }] },
    ]);
    const png = await init(PHOTOS, photos(['/photo.png']));
    await reaches(png.id, 'file_format_check_failed');
    const post_info = { title: 'photos' };
    const draft = await init(PHOTOS, photos(['/1.jpg'], { post_mode: 'MEDIA_UPLOAD', post_info }));
    await reaches(draft.id, 'SEND_TO_USER_INBOX');
    const many = photos(Array<string>(36).fill('/1.jpg'));
    expect((await call(PHOTOS, many)).text).toContain('invalid_params');
    expect((await call(PHOTOS, photos([]))).text).toContain('invalid_params');
    ({ accessToken } = await client.connect(undefined, 'video.upload'));
    expect((await call(PHOTOS, photos(['/1.jpg']))).text).toContain('scope_not_authorized');
  });

  it.each([
    ['is_aigc in post_info', { post_info: { ...photos([]).post_info, is_aigc: true } }],
    ['a direct post without the brand toggles', { post_info: { privacy_level: 'SELF_ONLY' } }],
    ['a switch of videos', { post_info: { ...photos([]).post_info, disable_duet: true } }],
    ['a draft with a privacy level', { post_mode: 'MEDIA_UPLOAD' }],
    ['a draft with the AI label', { post_mode: 'MEDIA_UPLOAD', post_info: {}, is_aigc: true }],
    [
      'a photo post without its cover',
      { source_info: { source: 'PULL_FROM_URL', photo_images: ['https://x.example/1.jpg'] } },
    ],
  ])('refuses %s (tiktok-facts 4.5)', async (_what, changes) => {
    expect((await call(PHOTOS, photos(['/1.jpg'], changes))).text).toContain('invalid_params');
  });

  it('accepts the AI label of photos beside post_info', async () => {
    expect((await call(PHOTOS, photos(['/1.jpg'], { is_aigc: true }))).text).toContain('publish_id');
  });
});
