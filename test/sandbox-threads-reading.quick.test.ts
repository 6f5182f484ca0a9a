import { Type, type Static } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createCallCounter, createCreator } from '../sandbox/testing/creator.ts';
import { createThreadsClient, type ThreadsClient } from '../sandbox/testing/meta.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';

const app = { appId: '5555', appSecret: 'threads secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const DAY_MS = 86_400_000;
const me = 'sandbox_creator';
const Made = Type.Object({ ids: Type.Array(Type.String()), deliveries: Type.Array(Type.Unknown()) });
const Row = Type.Object({ id: Type.String(), text: Type.Optional(Type.String()) });
const Page = Type.Object({
  data: Type.Array(Row),
  paging: Type.Optional(
    Type.Object({
      cursors: Type.Object({ before: Type.Optional(Type.String()), after: Type.Optional(Type.String()) }),
    }),
  ),
});

let sandbox: Sandbox;
let client: ThreadsClient;
let token: string;
let userId: string;

beforeEach(async () => {
  const setup = { ...app, redirectUris: [app.redirectUri], options: { processingMs: 0 } };
  sandbox = await startSandbox({ threads: setup });
  client = createThreadsClient(sandbox.url, app);
  ({ token, userId } = await client.connect());
});
afterEach(() => sandbox.close());

const control = (path: string, body: object) => client.control('POST', `/threads/${path}`, body);
const setOptions = (options: object) => control('options', options);
const advance = (advanceMs: number) => client.control('POST', '/clock', { advanceMs });
const get = (path: string, params: Record<string, string> = {}) => client.call(token, 'GET', path, params);
const post = (path: string, params: Record<string, string> = {}) => client.call(token, 'POST', path, params);
const page = (path: string, params: Record<string, string> = {}) =>
  client.ask(Page, token, 'GET', path, { fields: 'text', ...params });
const textsOf = ({ data }: Static<typeof Page>) => data.map(({ text }) => text);

async function make(spec: object): Promise<string[]> {
  return parse(Made, await control('posts', spec)).ids;
}

async function makeOne(spec: object): Promise<string> {
  return (await make(spec))[0] ?? '';
}

const hideStatus = async (id: string) => (await get(`/${id}`, { fields: 'hide_status' })).body;
const seconds = (time: string) => String(Date.parse(time) / 1_000);

const own = (spec: object = {}) => makeOne({ username: me, text: 'root', ...spec });
const reply = (replyTo: string, spec: object = {}) => makeOne({ replyTo, text: 'answer', ...spec });

/** The texts of all pages, and how many pages there were. */
async function readAll(path: string, params: Record<string, string> = {}) {
  const texts: (string | undefined)[] = [];
  let after: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const answer = await page(path, { ...params, ...(after === undefined ? {} : { after }) });
    texts.push(...textsOf(answer));
    const next = answer.paging?.cursors.after;
    if (next === undefined || next === after) return { texts, pages };
    after = next;
  }
}

describe('lists', () => {
  it('read many posts that the app did not make, newest first', async () => {
    const ids = await make({ username: me, text: 'post {n}', count: 1_000, everyMs: 3_600_000, views: 7 });
    const { texts, pages } = await readAll('/me/threads', { limit: '100' });
    expect(texts).toEqual(Array.from({ length: 1_000 }, (_none, index) => `post ${1_000 - index}`));
    expect(pages).toBe(11);
    expect(new Set(ids).size).toBe(1_000);
    expect(ids.every((id) => BigInt(id) > 2n ** 53n && String(Number(id)) !== id)).toBe(true);
    expect(await client.control('GET', '/threads/deliveries')).toEqual([]);
    expect((await page('/me/threads')).data).toHaveLength(25);
    const { status } = await get('/me/threads', { since: '1688540399' });
    expect(status).toBe(400);
  });

  it.each([
    ['empty-page', 3, true],
    ['no-after', 2, false],
    ['same-after', 3, true],
  ])('end by %s', async (listEnd, pages, hasAfter) => {
    await setOptions({ listEnd });
    await make({ username: me, text: '{n}', count: 4 });
    expect(await readAll('/me/threads', { limit: '2' })).toEqual({ texts: ['4', '3', '2', '1'], pages });
    const { paging } = await page('/me/threads', { limit: '4' });
    expect(paging?.cursors).toHaveProperty('before');
    expect(paging?.cursors.after !== undefined).toBe(hasAfter);
    if (!hasAfter) return;
    const after = paging?.cursors.after ?? '';
    const behind = await page('/me/threads', { after });
    expect(behind.data).toEqual([]);
    expect(behind.paging?.cursors.after).toBe(listEnd === 'same-after' ? after : undefined);
  });

  it.each([
    ['short', {}, 4],
    ['short', { lacks: 9 }, 4],
    ['empty', {}, 4],
    ['empty', { after: 1 }, 4],
  ])('lose nothing by a page that is %s %o', async (kind, more, pages) => {
    await setOptions({ listEnd: 'no-after' });
    await make({ username: me, text: '{n}', count: 6 });
    await control('fail-list', { list: 'posts', kind, ...more });
    const all = await readAll('/me/threads', { limit: '2' });
    expect(all.texts).toEqual(['6', '5', '4', '3', '2', '1']);
    expect(all.pages).toBe(pages);
  });

  it('repeat an earlier cursor, refuse one, and fail in the middle, once each', async () => {
    await make({ username: me, text: '{n}', count: 8 });
    const first = (await page('/me/threads', { limit: '2' })).paging?.cursors.after ?? '';
    const second = (await page('/me/threads', { limit: '2', after: first })).paging?.cursors.after ?? '';
    await control('fail-list', { list: 'posts', kind: 'repeat' });
    const third = await page('/me/threads', { limit: '2', after: second });
    expect(textsOf(third)).toEqual(['4', '3']);
    expect(third.paging?.cursors.after).toBe(first);

    await control('fail-list', { list: 'posts', kind: 'refuse', username: me });
    expect((await page('/me/threads', { limit: '2' })).data).toHaveLength(2);
    const refused = await get('/me/threads', { limit: '2', after: first });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: 100 } } });
    expect((await page('/me/threads', { limit: '2', after: first })).data).toHaveLength(2);

    await control('fail-list', { list: 'posts', kind: 'error', after: 1 });
    await page('/me/threads', { limit: '2' });
    const failed = await get('/me/threads', { limit: '2', after: first });
    expect(failed).toMatchObject({ status: 500, body: { error: { code: 2, is_transient: true } } });
    expect((await get('/me/threads', { after: 'never given' })).status).toBe(400);
  });

  it('go on behind a cursor whose post was deleted', async () => {
    const ids = await make({ username: me, text: '{n}', count: 4 });
    const after = (await page('/me/threads', { limit: '2' })).paging?.cursors.after ?? '';
    await control('posts/delete', { ids: [ids[1]] });
    expect(textsOf(await page('/me/threads', { limit: '2', after }))).toEqual(['1']);
    await control('posts/delete', { ids: [ids[2]] });
    expect(textsOf(await page('/me/threads', { limit: '2', after }))).toEqual(['1']);
  });

  it('are late with what is new, deleted or restored; ids are not', async () => {
    const old = await own({ text: 'old' });
    await setOptions({ listLagMs: 60_000 });
    await advance(60_000);
    const fresh = await own({ text: 'new' });
    await control('posts/delete', { ids: [old] });
    expect(textsOf(await page('/me/threads'))).toEqual(['old']);
    expect((await get(`/${fresh}`)).body).toEqual({ id: fresh });
    expect((await get(`/${old}`)).body).toMatchObject({ error: { code: 100, error_subcode: 33 } });
    await advance(60_000);
    expect(textsOf(await page('/me/threads'))).toEqual(['new']);
    await control('posts/restore', { ids: [old] });
    expect(textsOf(await page('/me/threads'))).toEqual(['new']);
    await advance(60_000);
    expect(textsOf(await page('/me/threads'))).toEqual(['new', 'old']);
  });

  it('do not show every post that its id leads to, and not always the post that they show', async () => {
    const id = await own();
    await control('posts/edit', { ids: [id], unlisted: true });
    expect((await page('/me/threads')).data).toEqual([]);
    expect((await get(`/${id}`)).status).toBe(200);
    await control('posts/edit', { ids: [id], flaky: 1 });
    expect((await get(`/${id}`)).body).toMatchObject({ error: { code: 100, error_subcode: 33 } });
    expect((await get(`/${id}`)).status).toBe(200);
  });
});

const MEDIA_FIELDS =
  'id,media_product_type,media_type,media_url,gif_url,permalink,owner,username,text,timestamp,shortcode,thumbnail_url,children,is_quote_post,quoted_post,reposted_post,has_replies,alt_text,link_attachment_url,poll_attachment,location_id,location,topic_tag,is_verified,profile_picture_url,is_spoiler_media,text_entities,text_attachment,allowlisted_country_codes,reply_audience,ghost_post_status,ghost_post_expiration_timestamp,is_reply,is_reply_owned_by_me,root_post,replied_to,hide_status,reply_approval_status';

describe('media', () => {
  it('have all fields, and none that is null', async () => {
    const album = await own({ kind: 'CAROUSEL_ALBUM', children: 3, createdAt: 1_700_000_000_000 });
    const read = await get(`/${album}`, { fields: `${MEDIA_FIELDS},children{id,media_type,media_url}` });
    expect(read.status).toBe(200);
    expect(read.text).not.toContain('null');
    expect(read.body).toMatchObject({
      id: album,
      media_product_type: 'THREADS',
      media_type: 'CAROUSEL_ALBUM',
      owner: { id: userId },
      username: me,
      timestamp: '2023-11-14T22:13:20+0000',
      is_quote_post: false,
      has_replies: false,
      is_verified: false,
      reply_audience: 'EVERYONE',
      children: { data: [{ media_type: 'IMAGE' }, {}, {}] },
    });
    for (const absent of [
      'media_url',
      'gif_url',
      'quoted_post',
      'ghost_post_status',
      'hide_status',
      'root_post',
    ])
      expect(read.body).not.toHaveProperty(absent);
    const odd = await get(`/${album}`, { fields: 'gif_attachment' });
    expect(odd).toMatchObject({ status: 500, body: { error: { code: 100, type: 'THApiException' } } });
  });

  it('are read by other names than they are written', async () => {
    const params = {
      topic_tag: 'tea',
      link_attachment: 'https://x.example/',
      location_id: '77',
      poll_attachment: '{"option_a":"a","option_b":"b"}',
      text_entities: '[{"entity_type":"SPOILER","offset":0,"length":2}]',
      text_attachment: '{"plaintext":"long"}',
      allowlisted_country_codes: 'DE,FR',
    };
    const id = await own({ params, replyControl: 'mentioned_only' });
    expect((await get(`/${id}`, { fields: MEDIA_FIELDS })).body).toMatchObject({
      topic_tag: 'tea',
      link_attachment_url: 'https://x.example/',
      location: { id: '77' },
      poll_attachment: { option_a: 'a', option_b: 'b' },
      text_entities: { data: [{ entity_type: 'SPOILER', offset: 0, length: 2 }] },
      text_attachment: { plaintext: 'long' },
      allowlisted_country_codes: ['DE', 'FR'],
      reply_audience: 'MENTIONED_ONLY',
    });
    const votes = 'poll_attachment{option_a_votes_percentage,option_d,total_votes,expiration_timestamp}';
    expect((await get(`/${id}`, { fields: votes })).body).toMatchObject({
      poll_attachment: { option_a_votes_percentage: 0, total_votes: 0 },
    });
  });

  it('are reposts, quotes and posts with a copyright flag too', async () => {
    const original = await makeOne({ text: 'by a fan', kind: 'IMAGE' });
    const quote = await own({ text: 'look', params: { quote_post_id: original } });
    const repost = await own({ text: '', kind: 'REPOST_FACADE', repostOf: original });
    const flagged = await own({ kind: 'VIDEO', copyright: true });
    const fields = 'media_type,text,is_quote_post,quoted_post,reposted_post,permalink,media_url,owner';
    expect((await get(`/${quote}`, { fields })).body).toMatchObject({
      is_quote_post: true,
      quoted_post: { id: original },
    });
    expect((await get(`/${repost}`, { fields })).body).toMatchObject({
      media_type: 'REPOST_FACADE',
      text: '',
      reposted_post: { id: original },
    });
    const { body } = await get(`/${flagged}`, { fields });
    expect(body).not.toHaveProperty('permalink');
    expect(body).not.toHaveProperty('media_url');
    expect((await get(`/${original}`, { fields })).body).not.toHaveProperty('owner');
  });

  it('end after 24 hours when they are ghosts', async () => {
    const createdAt = Date.now();
    const id = await own({ text: 'boo', params: { is_ghost_post: 'true' }, createdAt });
    const fields = 'ghost_post_status,ghost_post_expiration_timestamp';
    const end = new Date(createdAt + DAY_MS).toISOString().slice(0, 19);
    expect((await get(`/${id}`, { fields })).body).toEqual({
      id,
      ghost_post_status: 'ACTIVE',
      ghost_post_expiration_timestamp: `${end}+0000`,
    });
    expect((await page('/me/threads')).data).toHaveLength(1);
    await advance(DAY_MS);
    expect((await page('/me/threads')).data).toEqual([]);
    expect((await get('/me/ghost_posts', { fields })).body).toMatchObject({
      data: [{ id, ghost_post_status: 'ARCHIVED' }],
    });
    await setOptions({ archivedGhosts: 'gone' });
    expect((await page('/me/ghost_posts')).data).toEqual([]);
    expect((await get(`/${id}`)).body).toMatchObject({ error: { code: 100, error_subcode: 33 } });
  });

  it('follow edits and deletions in the app; only a deletion raises an event', async () => {
    const id = await own({ text: 'draft' });
    const told = parse(Type.Array(Type.Unknown()), await client.control('GET', '/threads/deliveries'));
    await control('posts/edit', { ids: [id], text: 'better', likes: 3_000_000_000 });
    expect((await get(`/${id}`, { fields: 'text' })).body).toEqual({ id, text: 'better' });
    expect((await get(`/${id}/insights`, { metric: 'likes' })).body).toMatchObject({
      data: [{ values: [{ value: 3_000_000_000 }] }],
    });
    expect(await client.control('GET', '/threads/deliveries')).toHaveLength(told.length);
    await control('posts/delete', { ids: [id] });
    const deliveries = await client.control('GET', '/threads/deliveries');
    expect(deliveries).toMatchObject([...told.map(() => ({})), { event: 'delete' }]);
    for (const path of [`/${id}`, `/${id}/replies`, `/${id}/conversation`, `/${id}/insights?metric=likes`])
      expect((await get(path)).body).toMatchObject({ error: { code: 100, error_subcode: 33 } });
    expect((await page('/me/threads')).data).toEqual([]);
  });
});

describe('replies', () => {
  it('are listed by their parent, and by the root at all depths', async () => {
    const root = await own();
    const first = await reply(root, { text: 'first' });
    const second = await reply(first, { text: 'second', username: me });
    const third = await reply(second, { text: 'third' });
    expect(textsOf(await page(`/${root}/replies`))).toEqual(['first']);
    expect(textsOf(await page(`/${root}/conversation`))).toEqual(['third', 'second', 'first']);
    expect(textsOf(await page(`/${root}/conversation`, { reverse: 'false' }))).toEqual([
      'first',
      'second',
      'third',
    ]);
    expect(textsOf(await page(`/me/replies`))).toEqual(['second']);
    expect((await get(`/${first}/conversation`)).body).toMatchObject({ error: { code: 100 } });
    const fields = 'has_replies,root_post,replied_to,is_reply_owned_by_me';
    expect((await get(`/${second}`, { fields })).body).toEqual({
      id: second,
      has_replies: true,
      root_post: { id: root },
      replied_to: { id: first },
      is_reply_owned_by_me: true,
    });
    await control('posts/delete', { ids: [second] });
    expect(textsOf(await page(`/${root}/conversation`))).toEqual(['third', 'first']);
    await setOptions({ orphans: 'go' });
    expect(textsOf(await page(`/${root}/conversation`))).toEqual(['first']);
    expect((await get(`/${third}`)).status).toBe(200);
  });

  it('of a private person have no name', async () => {
    const id = await reply(await own(), { username: 'shy', privateAuthor: true });
    const { body } = await get(`/${id}`, { fields: 'username,permalink,text,profile_picture_url' });
    expect(body).toEqual({ id, text: 'answer' });
  });

  it('are hidden by the owner at the top level, and by the platform', async () => {
    const root = await own();
    const top = await reply(root);
    const below = await reply(top);
    expect((await post(`/${below}/manage_reply`, { hide: 'true' })).status).toBe(400);
    expect((await post(`/${top}/manage_reply`, { hide: 'true' })).body).toEqual({ success: true });
    expect((await post(`/${top}/manage_reply`, { hide: 'true' })).body).toEqual({ success: true });
    expect(await hideStatus(top)).toMatchObject({ hide_status: 'HIDDEN' });
    expect(await hideStatus(below)).toMatchObject({ hide_status: 'HIDDEN' });
    await post(`/${top}/manage_reply`, { hide: 'false' });
    expect(await hideStatus(top)).toMatchObject({ hide_status: 'UNHUSHED' });
    expect(await hideStatus(below)).toMatchObject({ hide_status: 'NOT_HUSHED' });
    await control('posts/edit', { ids: [top], hideStatus: 'COVERED' });
    expect(await hideStatus(top)).toMatchObject({ hide_status: 'COVERED' });
  });

  it('wait for an approval, are ignored, and approved later', async () => {
    const root = await own({ params: { enable_reply_approvals: 'true' } });
    const id = await reply(root);
    const status = { fields: 'reply_approval_status' };
    expect((await page(`/${root}/conversation`)).data).toEqual([]);
    expect((await get(`/${root}/pending_replies`, status)).body).toMatchObject({
      data: [{ id, reply_approval_status: 'pending' }],
    });
    await post(`/${id}/manage_pending_reply`, { approve: 'false' });
    expect((await page(`/${root}/pending_replies`)).data).toEqual([]);
    const ignored = await page(`/${root}/pending_replies`, { approval_status: 'ignored' });
    expect(ignored.data).toHaveLength(1);
    await post(`/${id}/manage_pending_reply`, { approve: 'true' });
    expect((await page(`/${root}/replies`)).data).toHaveLength(1);
    expect((await get(`/${root}/pending_replies`, { approval_status: 'approved' })).status).toBe(400);
  });

  it('that mention the profile are listed, those of private people are not', async () => {
    await makeOne({ text: `hello @${me}` });
    await makeOne({ text: `psst @${me}`, privateAuthor: true });
    expect(textsOf(await page('/me/mentions'))).toEqual([`hello @${me}`]);
  });
});

describe('insights', () => {
  it('of a post are refused, empty or not applicable', async () => {
    const id = await own({ views: 10, replies: 2 });
    await reply(id);
    expect((await get(`/${id}/insights`, { metric: 'views,replies' })).body).toMatchObject({
      data: [{ values: [{ value: 10 }] }, { values: [{ value: 3 }] }],
    });
    expect((await get(`/${id}/insights`, { metric: 'views,clicks' })).body).toMatchObject({
      error: { code: 100 },
    });
    await control('posts/edit', { ids: [id], refusedMetrics: ['shares'] });
    expect((await get(`/${id}/insights`, { metric: 'views,shares' })).status).toBe(400);
    expect((await get(`/${id}/insights`, { metric: 'views' })).status).toBe(200);
    await setOptions({ refusedPostMetrics: ['views'], refusedUserMetrics: ['quotes'] });
    expect((await get(`/${id}/insights`, { metric: 'views' })).status).toBe(400);
    expect((await get('/me/threads_insights', { metric: 'likes,quotes' })).status).toBe(400);
    const repost = await own({ kind: 'REPOST_FACADE', repostOf: id });
    expect((await get(`/${repost}/insights`, { metric: 'likes' })).body).toEqual({ data: [] });
    await control('posts/edit', { ids: [id], emptyInsights: true });
    expect((await get(`/${id}/insights`, { metric: 'likes' })).body).toEqual({ data: [] });
  });

  it('of a profile are days in California, without those that are missing', async () => {
    await control('numbers', {
      days: {
        '2026-03-06': { views: 1, likes: 5, clicks: { 'https://a.example/': 1 } },
        // Told, but not how many views.
        '2026-03-07': { likes: 100 },
        '2026-03-08': { views: 4_000_000_000, likes: 7, clicks: { 'https://a.example/': 2 } },
      },
    });
    const window = { since: seconds('2026-03-06T08:00:00Z'), until: seconds('2026-03-09T07:00:00Z') };
    const metric = 'views,likes,clicks';
    const answer = await get('/me/threads_insights', { metric, period: 'day', ...window });
    expect(answer.body).toMatchObject({
      data: [
        {
          name: 'views',
          values: [
            { value: 1, end_time: '2026-03-07T08:00:00+0000' },
            { value: 4_000_000_000, end_time: '2026-03-09T07:00:00+0000' },
          ],
        },
        { total_value: { value: 112 } },
        { link_total_values: [{ value: 3, link_url: 'https://a.example/' }] },
      ],
      paging: { previous: expect.stringContaining(`access_token=${token}`) },
    });
    const day = { since: seconds('2026-03-08T08:00:00Z'), until: window.until };
    const one = await get('/me/threads_insights', { metric: 'likes', ...day });
    expect(one.body).toMatchObject({ data: [{ total_value: { value: 7 } }] });
    expect((await get('/me/threads_insights', { metric: 'likes', since: '1712991599' })).status).toBe(400);
    expect((await get('/me/threads_insights', { metric: 'views' })).text).toContain(
      'period param is required',
    );
  });

  it('of followers have no window, and one breakdown', async () => {
    const profile = { username: me, followers: 99 };
    await control('profiles', profile);
    const followers = await get('/me/threads_insights', { metric: 'followers_count' });
    expect(followers.body).toMatchObject({ data: [{ total_value: { value: 99 } }] });
    const since = String(Math.floor(Date.now() / 1_000) - 86_400);
    expect((await get('/me/threads_insights', { metric: 'followers_count', since })).status).toBe(400);
    await control('numbers', { demographics: { country: { DE: 60, FR: 40 } } });
    const asked = { metric: 'follower_demographics', breakdown: 'country' };
    expect((await get('/me/threads_insights', asked)).status).toBe(400);
    await control('profiles', { ...profile, followers: 100 });
    const breakdowns = [
      {
        dimension_keys: ['country'],
        results: [
          { dimension_values: ['DE'], value: 60 },
          { dimension_values: ['FR'], value: 40 },
        ],
      },
    ];
    expect((await get('/me/threads_insights', asked)).body).toMatchObject({
      data: [{ total_value: { breakdowns } }],
    });
    const { metric } = asked;
    for (const breakdown of ['', 'country,city', 'planet'])
      expect((await get('/me/threads_insights', { metric, breakdown })).status).toBe(400);
    await control('profiles', { ...profile, linkedInstagram: false });
    const refused = await get('/me/threads_insights', { metric: 'followers_count' });
    expect(refused.text).toContain('THREADS_API__FEATURE_NOT_AVAILABLE');
  });
});

describe('bad days', () => {
  it('send usage headers on request', async () => {
    expect((await get('/me')).headers.has('x-app-usage')).toBe(false);
    await setOptions({ usageHeaders: 'always', usagePercent: 61 });
    const usage: unknown = JSON.parse((await get('/me')).headers.get('x-app-usage') ?? '');
    expect(usage).toEqual({ call_count: 61, total_time: 61, total_cputime: 61 });
  });

  it.each(['4', '17', '613'])('throttle with code %s', async (throttleError) => {
    await setOptions({ callsPerDay: 0, throttleError });
    expect(await get('/me')).toMatchObject({ status: 403, body: { error: { code: Number(throttleError) } } });
  });

  it('answer a read once with what a fault says', async () => {
    const id = await own();
    const fault = { endpoint: 'threads.node:post', kind: 'status' };
    await client.control('POST', '/faults', { ...fault, http: 400, code: '100/33' });
    expect((await get(`/${id}`)).body).toMatchObject({ error: { code: 100, error_subcode: 33 } });
    await client.control('POST', '/faults', { ...fault, http: 500, code: '1' });
    expect((await get(`/${id}`)).body).toMatchObject({ error: { code: 1, is_transient: true } });
    expect((await get(`/${id}`)).status).toBe(200);
  });
});

describe('events', () => {
  it('of replies, mentions and publishes say where the post stands', async () => {
    const root = await own();
    await reply(root, { text: `@${me} yes`, username: 'shy_not' });
    const Deliveries = Type.Array(Type.Object({ event: Type.String(), body: Type.String() }));
    const deliveries = parse(Deliveries, await client.control('GET', '/threads/deliveries'));
    expect(deliveries.map(({ event }) => event)).toEqual(['publish', 'replies', 'mentions']);
    expect(JSON.parse(deliveries[2]?.body ?? '')).toMatchObject({
      target_id: userId,
      values: { value: { is_reply: true, root_post: { id: root }, replied_to: { id: root } } },
    });
    await setOptions({ pendingEvents: false });
    const careful = await own({ params: { enable_reply_approvals: 'true' } });
    await reply(careful);
    const after = parse(Deliveries, await client.control('GET', '/threads/deliveries'));
    expect(after.map(({ event }) => event)).toEqual(['publish', 'replies', 'mentions', 'publish']);
  });
});

describe('the helpers of tests', () => {
  it('make, edit, count, delete and restore posts and replies', async () => {
    const world = createThreadsWorld(sandbox.url);
    const { id } = await world.makeMedia({ text: 'one', kind: 'IMAGE' });
    await world.editMedia(id, { text: 'two' });
    await world.setCounts(id, { views: 3_000_000_000, replies: 1 });
    const { id: first } = await world.comment(id, 'first');
    const { id: below } = await world.comment(first, 'below', { username: me });
    await world.editComment(below, { text: 'deep' });
    await world.makeManyComments(id, 2, { createdAt: 1_700_000_000_000 });
    expect(textsOf(await page(`/${id}/conversation`))).toEqual(['deep', 'first', 'answer 2', 'answer 1']);
    expect((await get(`/${id}/insights`, { metric: 'views,replies' })).body).toMatchObject({
      data: [{ values: [{ value: 3_000_000_000 }] }, { values: [{ value: 5 }] }],
    });
    await world.deleteComment(first);
    await world.deleteMedia(id);
    expect((await page('/me/threads')).data).toEqual([]);
    await world.restoreMedia(id);
    await world.restoreComment(first);
    expect(textsOf(await page('/me/threads'))).toEqual(['two']);
    expect(textsOf(await page(`/${id}/replies`))).toEqual(['first', 'answer 2', 'answer 1']);
    expect(await world.makeManyMedia(3)).toHaveLength(3);
    await world.setProfile({ biography: 'new', followers: 5_000_000_000 });
    expect((await get('/me', { fields: 'threads_biography' })).body).toMatchObject({
      threads_biography: 'new',
    });
    await world.setDay('2026-03-06', { views: 1 });
    await world.failList('posts', 'error', { code: '1' });
    expect((await get('/me/threads')).body).toMatchObject({ error: { code: 1 } });
  });

  it('have the same words for each provider', async () => {
    const creator = createCreator(sandbox.url, 'threads');
    const account = await creator.accountOf(me);
    expect(account).toBe(userId);
    const id = await creator.make({ account, text: 'neutral', counts: { views: 9, comments: 2 } });
    await creator.makeMany({ account, text: 'old', createdAt: 1_700_000_000_000, count: 2 });
    expect(await client.control('GET', '/threads/deliveries')).toHaveLength(1);
    await reply(id);
    await creator.setCounts(id, { comments: 4 });
    await creator.edit(id, { text: 'edited', more: { copyright: true } });
    expect((await get(`/${id}/insights`, { metric: 'views,replies' })).body).toMatchObject({
      data: [{ values: [{ value: 9 }] }, { values: [{ value: 4 }] }],
    });
    await expect(creator.setCounts(id, { comments: 0 })).rejects.toThrow('there are 1 replies');
    await expect(creator.edit('1', { text: 'x' })).rejects.toThrow('no post 1');
    await creator.remove(id);
    expect(textsOf(await page('/me/threads'))).toEqual(['old 2', 'old 1']);
    const truth = { id, account, text: 'edited', counts: { comments: 4 }, visible: false, published: false };
    expect(await creator.all(userId)).toMatchObject([truth, {}, {}]);
    await creator.restore(id);
    expect(await creator.all(userId)).toMatchObject([{ visible: true }, {}, {}]);
  });

  it('count calls by endpoint and account', async () => {
    const counter = createCallCounter(sandbox.url);
    await counter.forget();
    await get('/me/threads');
    await client.call(null, 'GET', '/me/threads', { access_token: token });
    await client.call(null, 'GET', '/me/threads');
    expect(await counter.calls(userId)).toEqual({ counts: { 'threads.posts': 2 }, total: 2 });
    expect(await counter.calls()).toMatchObject({ total: 3 });
  });
});
