import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createCommenting } from '../sandbox/testing/comments.ts';
import { createCreator } from '../sandbox/testing/creator.ts';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import {
  createInstagramClient,
  createInstagramLoginClient,
  type InstagramClient,
} from '../sandbox/testing/meta.ts';

const app = { appId: '4444', appSecret: 'meta secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const loginApp = { ...app, appId: '5555', appSecret: 'instagram secret' };
const DAY_MS = 86_400_000;

let sandbox: Sandbox;
let client: InstagramClient;
let world: InstagramWorld;
let token: string;
let igId: string;

beforeEach(async () => {
  const logins = { loginAppId: loginApp.appId, loginAppSecret: loginApp.appSecret };
  sandbox = await startSandbox({ instagram: { ...app, ...logins, redirectUris: [app.redirectUri] } });
  client = createInstagramClient(sandbox.url, app);
  world = createInstagramWorld(sandbox.url);
  ({ pageToken: token, igId } = await client.connect());
});
afterEach(() => sandbox.close());

const setOptions = (options: object) => client.control('POST', '/instagram/options', options);
const advance = (advanceMs: number) => client.control('POST', '/clock', { advanceMs });
const get = (path: string, params: Record<string, string> = {}) => client.call(token, 'GET', path, params);
const post = (path: string, params: Record<string, string> = {}) => client.call(token, 'POST', path, params);
const seconds = (time: string) => String(Date.parse(time) / 1_000);
const between = (since: string, until: string) => ({ since: seconds(since), until: seconds(until) });
const error = (code: number, error_subcode?: number) => ({
  body: { error: { code, ...(error_subcode === undefined ? {} : { error_subcode }) } },
});

async function login() {
  const other = createInstagramLoginClient(sandbox.url, loginApp);
  const { token: loginToken, igId: id } = await other.connect();
  const read = (path: string, params: Record<string, string>) => other.call(loginToken, 'GET', path, params);
  return { read, id };
}

const Page = Type.Object({
  data: Type.Array(Type.Object({ id: Type.String() })),
  paging: Type.Optional(
    Type.Object({
      cursors: Type.Optional(Type.Object({ after: Type.Optional(Type.String()) })),
      next: Type.Optional(Type.String()),
    }),
  ),
});

async function page(path: string, params: Record<string, string> = {}) {
  const { data, paging } = await client.ask(Page, token, 'GET', path, params);
  return { ids: data.map(({ id }) => id), after: paging?.cursors?.after ?? '', next: paging?.next, paging };
}

/** A list to its end, which is a page without `next`. */
async function all(path: string, params: Record<string, string>) {
  const first = await page(path, params);
  const ids = [...first.ids];
  const cursors = [first.after];
  for (let last = first; last.next !== undefined;) {
    last = await page(path, { ...params, after: last.after });
    ids.push(...last.ids);
    cursors.push(last.after);
  }
  return { ids, cursors };
}

describe('the list of media', () => {
  it('carries counts beyond 2^31, with those of Facebook Login only there', async () => {
    const counts = { likes: 2 ** 31 + 5, saved: 2, shares: 3, reposts: 4, views: 2 ** 40, commentsCount: 9 };
    const { id } = await world.makeMedia({ mediaType: 'VIDEO', productType: 'REELS', ...counts });
    expect(String(Number(id))).not.toBe(id);
    const both = 'like_count,comments_count';
    const facebook = 'reposts_count,saved_count,shares_count,total_like_count,total_comments_count';
    const fields = `${both},${facebook},total_views_count`;
    expect((await get(`/${igId}/media`, { fields })).body).toMatchObject({
      data: [
        {
          id,
          like_count: 2 ** 31 + 5,
          comments_count: 9,
          reposts_count: 4,
          saved_count: 2,
          shares_count: 3,
          total_like_count: 2 ** 31 + 5,
          total_comments_count: 9,
          total_views_count: 2 ** 40,
        },
      ],
    });
    const { read, id: account } = await login();
    expect((await read(`/${account}/media`, { fields: both })).body).toMatchObject({
      data: [{ like_count: 2 ** 31 + 5, comments_count: 9 }],
    });
    expect(await read(`/${account}/media`, { fields: 'saved_count' })).toMatchObject(error(100));
  });

  it('clamps a limit at 100, shows 10,000 media at most, and ends without next', async () => {
    const ids = await world.makeManyMedia(10_050, { spreadMs: 400 * DAY_MS });
    expect((await page(`/${igId}/media`, { limit: '500' })).ids).toHaveLength(100);
    const { ids: listed } = await all(`/${igId}/media`, { limit: '100' });
    expect(listed).toEqual(ids.toReversed().slice(0, 10_000));
    await setOptions({ lastPageCursors: 'none' });
    const since = String(Math.floor(Date.now() / 1_000) - 86_400);
    const recent = await page(`/${igId}/media`, { limit: '100', since });
    expect(recent.ids.length).toBeGreaterThan(20);
    expect(recent.paging).toBeUndefined();
  });

  it('has short and empty pages in which nothing is lost', async () => {
    const ids = await world.makeManyMedia(12, { spreadMs: 12_000 });
    await world.failList('media', 'short');
    await world.failList('media', 'empty', { after: 1 });
    const { ids: listed, cursors } = await all(`/${igId}/media`, { limit: '5' });
    expect(listed).toEqual(ids.toReversed());
    expect(cursors.length).toBeGreaterThan(3);
    expect(new Set(cursors).size).toBe(cursors.length);
  });

  it('repeats a cursor, refuses one once, leaves cursors out and refuses wide pages', async () => {
    await world.makeManyMedia(9, { spreadMs: 9_000 });
    const { after } = await page(`/${igId}/media`, { limit: '3' });
    await world.failList('media', 'repeat');
    expect(await page(`/${igId}/media`, { limit: '3', after })).toMatchObject({ after });
    await world.failList('media', 'refuse');
    expect(await get(`/${igId}/media`, { limit: '3', after })).toMatchObject(error(100));
    expect((await page(`/${igId}/media`, { limit: '3', after })).ids).toHaveLength(3);
    await world.failList('media', 'no-cursors');
    expect((await page(`/${igId}/media`, { limit: '3' })).paging).toBeUndefined();
    await setOptions({ reduceDataAbove: 50 });
    const wide = await get(`/${igId}/media`, { limit: '100' });
    expect(wide).toMatchObject(error(1));
    expect(wide.text).toContain('Please reduce the amount of data');
    expect((await get(`/${igId}/media`, { limit: '50' })).status).toBe(200);
  });

  it('lags behind reads by id', async () => {
    await setOptions({ mediaListLagMs: 60_000 });
    const { id } = await world.makeMedia();
    expect((await page(`/${igId}/media`)).ids).toEqual([]);
    expect((await get(`/${id}`, { fields: 'id' })).status).toBe(200);
    await advance(60_000);
    expect((await page(`/${igId}/media`)).ids).toEqual([id]);
  });

  it('follows what the owner edits, deletes and restores in the app', async () => {
    const { id } = await world.makeMedia({ caption: 'old' });
    await world.comment(id, 'first');
    await world.editMedia(id, { caption: 'new', commentsEnabled: false });
    await world.setCounts(id, { likes: 7 });
    expect((await get(`/${id}`, { fields: 'caption,like_count,is_comment_enabled' })).body).toEqual({
      id,
      caption: 'new',
      like_count: 7,
      is_comment_enabled: false,
    });
    await world.deleteMedia(id);
    expect(await get(`/${id}`)).toMatchObject(error(100, 33));
    expect((await page(`/${igId}/media`)).ids).toEqual([]);
    await world.restoreMedia(id);
    expect((await get(`/${id}`, { fields: 'comments_count' })).body).toEqual({ id, comments_count: 1 });
  });

  it('expands the children of an album, and reads one by its id', async () => {
    const album = await world.makeMedia({ mediaType: 'CAROUSEL_ALBUM', children: 2 });
    const fields = 'children{id,media_type,media_url}';
    const [first, second] = album.children.map(({ id }) => ({ id, media_type: 'IMAGE' }));
    expect((await get(`/${igId}/media`, { fields })).body).toMatchObject({
      data: [{ children: { data: [first, second] } }],
    });
    expect((await get(`/${first?.id}`, { fields: 'media_type' })).body).toEqual(first);
    expect(await get(`/${first?.id}/insights`, { metric: 'reach' })).toMatchObject(error(100, 33));
  });

  it('is flaky where a fault says so', async () => {
    const { id } = await world.makeMedia();
    const flake = { endpoint: 'instagram.node:media', kind: 'status', http: 400, code: '100/33' };
    await client.control('POST', '/faults', flake);
    expect(await get(`/${id}`)).toMatchObject(error(100, 33));
    expect((await get(`/${id}`)).status).toBe(200);
  });
});

describe('comments', () => {
  it('lists fifty a query, newest first, top level only, and pages on', async () => {
    const { id } = await world.makeMedia();
    const ids = await world.makeManyComments(id, 120, { spreadMs: 120_000 });
    await world.comment(id, 'below', { parentId: ids[0], event: false });
    expect((await page(`/${id}/comments`, { limit: '100' })).ids).toHaveLength(50);
    expect((await all(`/${id}/comments`, { limit: '50' })).ids).toEqual(ids.toReversed());
    expect((await get(`/${id}`, { fields: 'comments_count' })).body).toMatchObject({ comments_count: 121 });
  });

  it('expands replies, which go on at their edge', async () => {
    const { id } = await world.makeMedia();
    const top = await world.comment(id, 'top');
    const replies = await world.makeManyComments(id, 30, { parentId: top.id, spreadMs: 30_000 });
    const Expanded = Type.Object({ data: Type.Array(Type.Object({ replies: Page })) });
    const fields = 'id,replies{id,text,parent_id}';
    const { data } = await client.ask(Expanded, token, 'GET', `/${id}/comments`, { fields });
    const [shown] = data;
    expect(shown?.replies.data).toHaveLength(25);
    const next = shown?.replies.paging?.next ?? '';
    expect(new URL(next).pathname).toMatch(new RegExp(`^/graph/v\\d+\\.0/${top.id}/replies$`));
    const after = shown?.replies.paging?.cursors?.after ?? '';
    const rest = await page(`/${top.id}/replies`, { after });
    expect([...(shown?.replies.data.map((reply) => reply.id) ?? []), ...rest.ids]).toEqual(
      replies.toReversed(),
    );
    const few = await client.ask(Expanded, token, 'GET', `/${id}/comments`, {
      fields: 'id,replies.limit(2){id}',
    });
    expect(few.data[0]?.replies.data).toHaveLength(2);
  });

  it('withholds comments of restricted people until they are unrestricted and approved', async () => {
    const { id } = await world.makeMedia();
    const early = await world.comment(id, 'early', { username: 'rude' });
    await world.restrict('rude');
    const late = await world.comment(id, 'late', { username: 'rude' });
    expect((await page(`/${id}/comments`)).ids).toEqual([]);
    expect(await get(`/${early.id}`)).toMatchObject(error(100, 33));
    expect((await get(`/${id}`, { fields: 'comments_count' })).body).toMatchObject({ comments_count: 2 });
    await expect(world.approveComment(late.id)).rejects.toThrow('rude is restricted');
    await world.unrestrict('rude');
    expect((await page(`/${id}/comments`)).ids).toEqual([]);
    await world.approveComment(late.id);
    expect((await page(`/${id}/comments`)).ids).toEqual([late.id]);
  });

  it('shows what was edited, hidden, deleted and restored, without an event', async () => {
    const { id } = await world.makeMedia();
    const comment = await world.comment(id, 'old', { event: false });
    await world.editComment(comment.id, { text: 'new', likes: 3, hidden: true });
    const fields = 'text,like_count,hidden,username,from,media';
    expect((await get(`/${comment.id}`, { fields })).body).toMatchObject({
      text: 'new',
      like_count: 3,
      hidden: true,
      username: 'some_fan',
      from: { id: comment.fromId },
      media: { id },
    });
    await world.deleteComment(comment.id);
    expect(await get(`/${comment.id}`)).toMatchObject(error(100, 33));
    await world.restoreComment(comment.id);
    expect((await page(`/${id}/comments`)).ids).toEqual([comment.id]);
    expect(await client.control('GET', '/instagram/deliveries')).toEqual([]);
  });

  it('raises an event that names the child of an album, live_comments in a broadcast, and none if told so', async () => {
    await post(`/${(await client.connect()).pageId}/subscribed_apps`, { subscribed_fields: 'feed' });
    const { children, id } = await world.makeMedia({ mediaType: 'CAROUSEL_ALBUM', children: 2 });
    const childId = children[1]?.id ?? '';
    const comment = await world.comment(id, 'on the second picture', { childId });
    await world.comment(id, 'on air', { live: true });
    await world.comment(id, 'by a private person', { event: false });
    const Sent = Type.Array(Type.Object({ event: Type.String(), body: Type.String() }));
    const sent = parse(Sent, await client.control('GET', '/instagram/deliveries'));
    expect(sent.map(({ event }) => event)).toEqual(['comments', 'live_comments']);
    expect(sent[0]?.body).toContain(`"media":{"id":"${childId}"`);
    expect((await get(`/${comment.id}`, { fields: 'media' })).body).toMatchObject({ media: { id } });
  });

  it('makes a reply and then refuses the answer, when it is sent with fields', async () => {
    const { id } = await world.makeMedia();
    const { id: top } = await world.comment(id, 'top');
    const answer = await post(`/${top}/replies`, { message: 'thanks', fields: 'id' });
    expect(answer).toMatchObject(error(20, 1_772_107));
    expect((await get(`/${top}/replies`, { fields: 'text' })).body).toMatchObject({
      data: [{ text: 'thanks' }],
    });
  });

  it('likes with Facebook Login, once in effect, and locks after fifty requests in five seconds', async () => {
    const scopes = 'instagram_basic,instagram_manage_engagement,pages_show_list,business_management';
    const { pageToken } = await client.connect({}, scopes);
    const like = (method: string, params: Record<string, string>) =>
      client.call(pageToken, method, `/${igId}/likes`, params);
    const { id } = await world.makeMedia({ likes: 4 });
    const likes = async () => (await client.call(pageToken, 'GET', `/${id}`, { fields: 'like_count' })).body;
    expect((await like('POST', { media_id: id })).body).toEqual({ success: true });
    expect((await like('POST', { media_id: id })).body).toEqual({ success: true });
    expect(await likes()).toEqual({ id, like_count: 5 });
    await like('DELETE', { media_id: id });
    expect(await likes()).toEqual({ id, like_count: 4 });
    expect(await like('POST', { media_id: id, comment_id: id })).toMatchObject(error(100));
    for (let sent = 4; sent < 50; sent += 1) await like('POST', { media_id: id });
    expect(await like('POST', { media_id: id })).toMatchObject(error(613));
    await advance(3_600_000);
    expect((await like('POST', { media_id: id })).status).toBe(200);
  });
});

describe('usage', () => {
  it('tells the percents that a test set, and throttles at 100 with the minutes', async () => {
    await world.setUsage({ app: 12, business: 61, minutes: 0 });
    const { headers } = await get(`/${igId}/media`);
    expect(JSON.parse(headers.get('x-app-usage') ?? '')).toMatchObject({ call_count: 12 });
    expect(JSON.parse(headers.get('x-business-use-case-usage') ?? '')).toMatchObject({
      [igId]: [{ type: 'instagram', call_count: 61, estimated_time_to_regain_access: 0 }],
    });
    await world.setUsage({ business: 100, minutes: 19 });
    const throttled = await get(`/${igId}/media`);
    expect(throttled).toMatchObject({ status: 400, ...error(80_002) });
    expect(throttled.headers.get('x-business-use-case-usage')).toContain(
      '"estimated_time_to_regain_access":19',
    );
    await client.control('DELETE', '/instagram/usage');
    expect((await get(`/${igId}/media`)).status).toBe(200);
  });

  it('refuses requests for several ids', async () => {
    const { id } = await world.makeMedia();
    const url = `${sandbox.url}/graph/v27.0/me?ids=${id}`;
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(400);
  });
});

describe('insights of media', () => {
  it('breaks down navigation, and answers code 1 for a metric that has no breakdown', async () => {
    const navigation = { TAP_FORWARD: 6, TAP_EXIT: 2 };
    const story = { productType: 'STORY', views: 9, breakdowns: { navigation } };
    const { id } = await world.makeMedia(story);
    const breakdown = 'story_navigation_action_type';
    expect((await get(`/${id}/insights`, { metric: 'navigation', breakdown })).body).toMatchObject({
      data: [
        {
          total_value: {
            value: 8,
            breakdowns: [
              {
                dimension_keys: [breakdown],
                results: [
                  { dimension_values: ['TAP_FORWARD'], value: 6 },
                  { dimension_values: ['TAP_EXIT'], value: 2 },
                ],
              },
            ],
          },
        },
      ],
    });
    const wrong = await get(`/${id}/insights`, { metric: 'reach', breakdown });
    expect(wrong).toMatchObject(error(1));
    expect(wrong.text).toContain('An unknown error has occurred');
  });

  it('refuses metrics by product and media type, and of media that Facebook has not', async () => {
    const image = await world.makeMedia();
    const video = await world.makeMedia({ mediaType: 'VIDEO' });
    await world.refuseMetrics(['shares'], { productType: 'FEED', mediaType: 'IMAGE' });
    const shares = { metric: 'reach,shares' };
    expect(await get(`/${image.id}/insights`, shares)).toMatchObject(error(100));
    expect((await get(`/${video.id}/insights`, shares)).status).toBe(200);
    const facebook = { metric: 'facebook_views' };
    expect(await get(`/${image.id}/insights`, facebook)).toMatchObject(error(100));
    await world.editMedia(image.id, { sharedToFacebook: true, metrics: { facebook_views: 8 } });
    expect((await get(`/${image.id}/insights`, facebook)).body).toMatchObject({
      data: [{ values: [{ value: 8 }] }],
    });
    const { read } = await login();
    expect(await read(`/${image.id}/insights`, facebook)).toMatchObject(error(100));
  });

  it('has none from before the conversion, and none of a story without five viewers', async () => {
    const { id } = await world.makeMedia({ createdAt: 1_600_000_000_000 });
    await world.setProfile({ convertedAt: 1_700_000_000_000 });
    expect(await get(`/${id}/insights`, { metric: 'reach' })).toMatchObject(error(100, 2_108_006));
    const story = await world.makeMedia({ productType: 'STORY', views: 4 });
    expect(await get(`/${story.id}/insights`, { metric: 'reach' })).toMatchObject(error(10));
    await world.setCounts(story.id, { views: 5 });
    expect((await get(`/${story.id}/insights`, { metric: 'reach' })).status).toBe(200);
  });

  it('ends with the story: no list, no data, and one event with -1 below five', async () => {
    await post(`/${(await client.connect()).pageId}/subscribed_apps`, { subscribed_fields: 'feed' });
    const story = { productType: 'STORY', views: 9, reach: 4, breakdowns: { navigation: { TAP_BACK: 7 } } };
    const { id } = await world.makeMedia(story);
    expect((await page(`/${igId}/stories`)).ids).toEqual([id]);
    await advance(DAY_MS + 1);
    expect((await page(`/${igId}/stories`)).ids).toEqual([]);
    expect((await get(`/${id}/insights`, { metric: 'reach' })).body).toEqual({ data: [] });
    const deliveries = JSON.stringify(await client.control('GET', '/instagram/deliveries'));
    const value = `"impressions":9,"reach":-1,"taps_forward":-1,"taps_back":7`;
    expect(deliveries.replaceAll('\\', '')).toContain(value);
  });
});

describe('insights of an account', () => {
  it('counts one Pacific day at a time, and a day can be revised', async () => {
    const day = new Date(Date.now() - 10 * DAY_MS).toISOString().slice(0, 10);
    const noon = between(`${day}T19:00:00Z`, `${day}T20:00:00Z`);
    const views = { metric: 'views', period: 'day', metric_type: 'total_value', ...noon };
    await world.setDay(day, { views: 40, reach: 12 }, { 'views/follow_type': { FOLLOWER: 30 } });
    expect((await get(`/${igId}/insights`, views)).body).toMatchObject({
      data: [{ total_value: { value: 40 } }],
      paging: { previous: expect.stringContaining('since='), next: expect.any(String) },
    });
    await world.setDay(day, { views: 41 });
    const answer = await get(`/${igId}/insights`, { ...views, breakdown: 'follow_type' });
    expect(answer.body).toMatchObject({
      data: [
        {
          total_value: {
            value: 41,
            breakdowns: [{ results: [{ dimension_values: ['FOLLOWER'], value: 30 }] }],
          },
        },
      ],
    });
    const series = await get(`/${igId}/insights`, { metric: 'reach', period: 'day', ...noon });
    expect(series.body).toMatchObject({
      data: [{ values: [{ value: 12, end_time: expect.stringMatching(/T0[78]:00:00\+0000$/) }] }],
    });
  });

  it('ends days at 07:00 in summer and at 08:00 in winter', async () => {
    const clocksGoBack = Date.parse('2027-11-07T09:00:00Z');
    await advance(clocksGoBack + 5 * DAY_MS - Date.now());
    const days = between('2027-11-05T19:00:00Z', '2027-11-08T19:00:00Z');
    const series = await get(`/${igId}/insights`, { metric: 'reach', period: 'day', ...days });
    expect(series.text.match(/2027-11-\d\dT0\d/g)).toEqual([
      '2027-11-06T07',
      '2027-11-07T07',
      '2027-11-08T08',
      '2027-11-09T08',
    ]);
  });

  it('refuses long windows, forgets after 90 days, and needs 100 followers for numbers about them', async () => {
    const total = { period: 'day', metric_type: 'total_value' };
    const now = Math.floor(Date.now() / 1_000);
    const span = (from: number, to: number) => ({
      since: String(now - from * 86_400),
      until: String(now - to * 86_400),
    });
    const views = { metric: 'views', ...total };
    expect(await get(`/${igId}/insights`, { ...views, ...span(31, 0) })).toMatchObject(error(100));
    expect((await get(`/${igId}/insights`, { ...views, ...span(120, 100) })).body).toEqual({ data: [] });
    const follows = { metric: 'follows_and_unfollows', ...total, breakdown: 'follow_type' };
    expect(await get(`/${igId}/insights`, follows)).toMatchObject(error(10));
    await world.setProfile({ followers: 100 });
    expect((await get(`/${igId}/insights`, follows)).status).toBe(200);
    const values = { US: 60, DE: 40 };
    await client.control('POST', '/instagram/demographics', { breakdown: 'country', values });
    const who = { metric: 'follower_demographics', period: 'lifetime', metric_type: 'total_value' };
    const asked = { ...who, breakdown: 'country', timeframe: 'this_month' };
    expect((await get(`/${igId}/insights`, asked)).body).toMatchObject({
      data: [{ total_value: { breakdowns: [{ results: [{ dimension_values: ['US'], value: 60 }, {}] }] } }],
    });
    expect(await get(`/${igId}/insights`, { ...asked, timeframe: 'last_90_days' })).toMatchObject(error(100));
  });

  it('has the profile that a test set', async () => {
    await world.setProfile({ biography: 'hello', followers: 3_000_000_000, follows: 2, mediaCount: 77 });
    const fields = 'biography,followers_count,follows_count,media_count';
    expect((await get(`/${igId}`, { fields })).body).toMatchObject({
      biography: 'hello',
      followers_count: 3_000_000_000,
      follows_count: 2,
      media_count: 77,
    });
  });
});

describe('a creator’s acts in Instagram itself', () => {
  it('have the same words as for each provider', async () => {
    const creator = createCreator(sandbox.url, 'instagram');
    expect(await creator.accountOf('sandbox_creator')).toBe(igId);
    const id = await creator.make({ account: igId, text: 'neutral', counts: { likes: 9, comments: 2 } });
    await creator.makeMany({ account: igId, text: 'old', createdAt: Date.now() - DAY_MS, count: 2 });
    await creator.edit(id, { text: 'edited', more: { commentsEnabled: false } });
    await creator.setCounts(id, { likes: 10 });
    const fields = { fields: 'caption,like_count,comments_count,is_comment_enabled' };
    expect((await get(`/${id}`, fields)).body).toMatchObject({
      caption: 'edited',
      like_count: 10,
      comments_count: 2,
      is_comment_enabled: false,
    });
    await expect(creator.edit('1', { text: 'x' })).rejects.toThrow('no media 1');
    await creator.remove(id);
    expect((await page(`/${igId}/media`)).ids).toHaveLength(2);
    const truth = { id, account: igId, text: 'edited', counts: { likes: 10 }, published: false };
    expect(await creator.all(igId)).toContainEqual(
      expect.objectContaining({ ...truth, visible: false, counts: expect.objectContaining({ likes: 10 }) }),
    );
    await creator.restore(id);
    expect((await page(`/${igId}/media`)).ids).toContain(id);
  });

  it('include comments', async () => {
    const id = await createCreator(sandbox.url, 'instagram').make({ account: igId });
    const comments = createCommenting(sandbox.url, 'instagram');
    const made = (await comments?.make(id, 'first')) ?? '';
    await comments?.edit(made, 'second');
    expect(await comments?.all()).toMatchObject([{ id: made, mediaId: id, text: 'second' }]);
    await comments?.remove(made);
    expect(await comments?.all()).toEqual([]);
    await comments?.restore(made);
    expect(await comments?.all()).toHaveLength(1);
  });
});
