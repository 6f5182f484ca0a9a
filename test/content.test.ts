import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type Json, type World } from './world.ts';

/* Reading what was copied. The rows are written by SQL; other files test how sync writes them. */

let world: World;
/** Accounts of the first tenant. */
let instagram: string;
let threads: string;
let tiktok: string;

beforeAll(async () => {
  world = await createWorld({ worker: false });
  const connect = async (provider: string): Promise<string> => {
    const { answer } = await world.visitConsent({}, world.user.key, provider);
    return String(answer.body.accounts[0].id);
  };
  instagram = await connect('instagram');
  threads = await connect('threads');
  tiktok = await connect('tiktok');
});
afterAll(() => world?.close());

const get = (path: string, key?: string) => world.call('GET', path, key === undefined ? {} : { key });

async function list(path: string): Promise<Json[]> {
  const { status, body } = await get(path);
  expect({ path, status, body }).toMatchObject({ status: 200 });
  return body.data;
}

/** Reads a list to its end, page by page. */
async function walk(path: string, limit: number, between = async (): Promise<void> => {}): Promise<Json[]> {
  const rows: Json[] = [];
  let cursor: string | null = null;
  do {
    const query: string = `limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`;
    const { status, body } = await get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
    expect(status).toBe(200);
    rows.push(...body.data);
    cursor = body.nextCursor;
    await between();
  } while (cursor !== null);
  return rows;
}

/** A day in November. */
const day = (n: number): string => `2026-11-${String(n).padStart(2, '0')}T12:00:00.000Z`;
const textsOf = (rows: readonly Json[]): string[] => rows.map(({ text }) => text);

async function insert(table: string, row: Record<string, unknown>): Promise<string> {
  const id = randomUUID();
  const values = { id, user_id: world.user.id, ...row };
  await world.database.db.execute(sql`
    insert into ${sql.identifier(table)} (${sql.join(
      Object.keys(values).map((name) => sql.identifier(name)),
      sql`, `,
    )})
    select ${sql.join(
      Object.keys(values).map((name) => sql`r.${sql.identifier(name)}`),
      sql`, `,
    )} from json_populate_record(null::${sql.identifier(table)}, ${JSON.stringify(values)}::json) r`);
  return id;
}

const digits = (): string => String(Math.random()).slice(2, 12);

async function igMedia(row: Record<string, unknown> = {}): Promise<string> {
  const [account] = await world.database.db.execute<{ id: string }>(
    sql`select id from instagram_accounts where oauth_account_id = ${instagram}`,
  );
  const rest = { ig_id: `1784${digits()}`, media_type: 'IMAGE', timestamp: day(1) };
  return insert('ig_media', { instagram_account_id: account?.id, ...rest, ...NEW, ...row });
}
/** What the columns' defaults say. */
const NEW = {
  metrics_json: {},
  source: 'page',
  first_seen_at: day(28),
  created_at: day(28),
  updated_at: day(28),
};
const { metrics_json: _none, ...NEW_COMMENT } = NEW;

const igComment = (ig_media_id: string, row: Record<string, unknown> = {}): Promise<string> =>
  insert('ig_comments', {
    ig_media_id,
    ig_id: `1790${digits()}`,
    from_user: 'fan',
    text: 'nice',
    hidden: false,
    own: false,
    timestamp: day(2),
    ...NEW_COMMENT,
    ...row,
  });

const threadsReply = (row: Record<string, unknown> = {}): Promise<string> =>
  insert('threads_replies', {
    oauth_account_id: threads,
    threads_id: `1801${digits()}`,
    username: 'reader',
    text: 'well said',
    hide_status: 'NOT_HUSHED',
    own: false,
    timestamp: day(3),
    ...NEW_COMMENT,
    ...row,
  });

const threadsMedia = (row: Record<string, unknown> = {}): Promise<string> =>
  insert('threads_media', {
    oauth_account_id: threads,
    threads_id: `1801${digits()}`,
    media_type: 'TEXT_POST',
    timestamp: day(1),
    ...NEW,
    ...row,
  });

async function clear(): Promise<void> {
  for (const table of ['ig_comments', 'ig_media', 'threads_replies', 'threads_media', 'tiktok_videos'])
    await world.database.db.execute(sql`delete from ${sql.identifier(table)}`);
}

const found = async (query: string): Promise<string[]> => textsOf(await list(`/api/comments?${query}`));

describe('comments', () => {
  test('of all platforms have one shape', async () => {
    await clear();
    const media = await igMedia();
    const parent = await igComment(media, { ig_id: '17900000000000001', raw: { id: '17900000000000001' } });
    const reply = await igComment(media, {
      parent_ig_id: '17900000000000001',
      own: true,
      text: 'thanks',
      timestamp: day(3),
    });
    const rows = await list(`/api/accounts/${instagram}/comments`);
    expect(rows.map(({ id }) => id)).toEqual([reply, parent]);
    expect(rows[1]).toEqual({
      id: parent,
      provider: 'instagram',
      accountId: instagram,
      mediaId: media,
      providerCommentId: '17900000000000001',
      parentId: null,
      author: 'fan',
      text: 'nice',
      timestamp: day(2),
      state: 'visible',
      hidden: false,
      own: false,
      can: {
        reply: expect.objectContaining({ allowed: expect.any(Boolean) }),
        hide: expect.objectContaining({ allowed: expect.any(Boolean) }),
        delete: expect.objectContaining({ allowed: expect.any(Boolean) }),
        like: expect.objectContaining({ allowed: expect.any(Boolean) }),
      },
      removedAt: null,
      removedReason: null,
    });
    expect(rows[0]).toMatchObject({ parentId: parent, own: true });
    const [, raw] = await list(`/api/accounts/${instagram}/comments?raw=true`);
    expect(raw.raw).toEqual({ id: '17900000000000001' });
  });

  test('are found by state, account and text', async () => {
    await clear();
    const media = await igMedia();
    await igComment(media, { text: '100% of it', timestamp: day(2) });
    await igComment(media, { text: '100 people of it', timestamp: day(3) });
    await igComment(media, { text: 'ÄRGER_1', timestamp: day(4), hidden: true });
    await igComment(media, { text: 'gone', timestamp: day(5), removed_at: day(6), removed_reason: 'event' });
    await threadsReply({ text: 'wait', approval: 'pending', timestamp: day(6) });
    await threadsReply({ text: 'covered', hide_status: 'COVERED', timestamp: day(7) });
    await threadsReply({ text: 'hushed', hide_status: 'HIDDEN', timestamp: day(8) });
    expect(await found('')).toEqual([
      'hushed',
      'covered',
      'wait',
      'ÄRGER_1',
      '100 people of it',
      '100% of it',
    ]);
    expect(await found('includeRemoved=true')).toContain('gone');
    expect(await found('state=removed')).toEqual(['gone']);
    expect(await found('state=pending')).toEqual(['wait']);
    expect(await found('state=hidden')).toEqual(['hushed', 'ÄRGER_1']);
    expect(await found('state=visible')).toEqual(['covered', '100 people of it', '100% of it']);
    expect(await found(`accountId=${threads}`)).toEqual(['hushed', 'covered', 'wait']);
    expect(await found(`accountId=${threads.toUpperCase()}&state=hidden`)).toEqual(['hushed']);
    expect(await found('q=100%25')).toEqual(['100% of it']);
    expect(await found('q=_')).toEqual(['ÄRGER_1']);
    expect(await found(`q=${encodeURIComponent('ärger')}`)).toEqual(['ÄRGER_1']);
    expect(await found(`q=${encodeURIComponent('\\')}`)).toEqual([]);
    expect(await found('q=')).toHaveLength(6);
    expect(await found(`since=${day(6)}`)).toEqual(['hushed', 'covered', 'wait']);
  });

  test('are read page by page while new ones arrive, each once', async () => {
    await clear();
    const media = await igMedia();
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.push(await igComment(media, { timestamp: day(2) }));
    for (let n = 0; n < 4; n += 1)
      ids.push(await threadsReply({ timestamp: null, first_seen_at: `2026-11-03T12:00:00.00012${n}Z` }));
    const rows = await walk('/api/comments', 2, async () => {
      await igComment(media, { timestamp: day(20) });
    });
    expect(rows).toHaveLength(ids.length);
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(ids));
  });

  test('accept a cursor only with the filters that it came with', async () => {
    await clear();
    const media = await igMedia();
    for (let n = 0; n < 3; n += 1) await igComment(media);
    const { body } = await get('/api/comments?limit=1&q=nice');
    expect(await list(`/api/comments?limit=2&q=nice&raw=true&cursor=${body.nextCursor}`)).toHaveLength(2);
    for (const path of [
      '/api/comments?',
      '/api/comments?q=nic&',
      '/api/comments?q=nice&includeRemoved=true&',
      `/api/comments?q=nice&since=${day(1)}&`,
      `/api/accounts/${instagram}/comments?`,
      '/api/posts?',
    ]) {
      const answer = await get(`${path}cursor=${body.nextCursor}`);
      expect([path, answer.status, answer.body.error?.code]).toEqual([path, 400, 'invalid_cursor']);
    }
  });

  test('refuse filters that they do not know', async () => {
    for (const query of [
      'state=seen',
      'raw=yes',
      'raw=',
      'includeRemoved=1',
      'since=yesterday',
      'q=%00',
      `q=${'a'.repeat(201)}`,
      'page=2',
    ])
      expect({ query, ...(await get(`/api/comments?${query}`)) }).toMatchObject({ query, status: 400 });
    const unknown = await get('/api/comments?accountId=nobody');
    expect([unknown.status, unknown.body.error.code]).toEqual([404, 'account_not_found']);
  });
});

describe('media', () => {
  test('of all platforms have one shape, and a number that was not told is absent', async () => {
    await clear();
    const ig_id = '90071992547409931234';
    const id = await igMedia({
      ig_id,
      product_type: 'REELS',
      media_type: 'VIDEO',
      caption: 'my reel',
      permalink: 'https://www.instagram.com/reel/x/',
      metrics_json: { views: 5_000_000_000, likes: 0 },
      raw: { id: ig_id },
    });
    const [row, ...rest] = await list(`/api/accounts/${instagram}/media`);
    expect(rest).toEqual([]);
    const shape = {
      id,
      provider: 'instagram',
      accountId: instagram,
      providerMediaId: ig_id,
      type: 'reel',
      text: 'my reel',
      permalink: 'https://www.instagram.com/reel/x/',
      timestamp: day(1),
      postId: null,
      metrics: { views: 5_000_000_000, likes: 0 },
      metricsState: null,
      firstSeenAt: day(28),
      readAt: null,
      updatedAt: day(28),
      removedAt: null,
      removedReason: null,
    };
    expect(row).toEqual(shape);
    expect((await get(`/api/media-copies/${id}?raw=true`)).body).toEqual({ ...shape, raw: { id: ig_id } });
    const video = await insert('tiktok_videos', {
      oauth_account_id: tiktok,
      video_id: '7',
      title: '',
      description: 'a dance',
      create_time: day(4),
      view_count: 3_000_000_000,
      ...NEW_COMMENT,
    });
    expect((await get(`/api/media-copies/${video}`)).body).toMatchObject({
      provider: 'tiktok',
      type: 'video',
      text: 'a dance',
      metrics: { views: 3_000_000_000 },
      metricsState: 'ok',
    });
    expect((await get(`/api/media-copies/${video}`)).body.metrics).not.toHaveProperty('likes');
  });

  test('that are gone are shown only if asked for, or by their id', async () => {
    await clear();
    const gone = await threadsMedia({ text: 'gone', removed_at: day(5), removed_reason: 'absent' });
    await threadsMedia({ text: 'old', timestamp: day(2) });
    await threadsMedia({ text: 'new', timestamp: day(3) });
    const path = `/api/accounts/${threads}/media`;
    expect(textsOf(await list(path))).toEqual(['new', 'old']);
    expect(textsOf(await list(`${path}?includeRemoved=true`))).toEqual(['new', 'old', 'gone']);
    expect(textsOf(await list(`${path}?since=${day(3)}`))).toEqual(['new']);
    expect((await get(`/api/media-copies/${gone}`)).body).toMatchObject({
      removedAt: day(5),
      removedReason: 'absent',
    });
  });

  test('are read page by page while new ones arrive, each once', async () => {
    await clear();
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.push(await threadsMedia());
    const rows = await walk(`/api/accounts/${threads}/media`, 2, async () => {
      await threadsMedia({ timestamp: day(20) });
    });
    expect(rows).toHaveLength(ids.length);
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(ids));
  });

  test('have their own comments and numbers', async () => {
    await clear();
    const one = await igMedia({ ig_id: '17840000000000001' });
    const other = await igMedia();
    await igComment(one, { text: 'here' });
    await igComment(other, { text: 'there' });
    expect(textsOf(await list(`/api/media-copies/${one}/comments`))).toEqual(['here']);
    for (const [n, value] of [1, 2, 3].entries())
      await insert('media_insights', {
        oauth_account_id: instagram,
        subject_id: '17840000000000001',
        metric: n === 2 ? 'profile_activity' : 'views',
        breakdown: n === 2 ? 'action_type=CALL' : '',
        taken_at: day(n + 1),
        value,
        source: 'insights',
      });
    const path = `/api/media-copies/${one}/insights`;
    const series = await list(path);
    expect(series).toEqual([
      { metric: 'profile_activity', breakdown: 'action_type=CALL', takenAt: day(3), value: 3 },
      { metric: 'views', takenAt: day(2), value: 2 },
      { metric: 'views', takenAt: day(1), value: 1 },
    ]);
    expect(await walk(path, 1)).toEqual(series);
    expect(await list(`${path}?metric=views&since=${day(2)}`)).toEqual([series[1]]);
    expect(await list(`/api/media-copies/${other}/insights`)).toEqual([]);
  });
});

describe('an account', () => {
  test('has a profile, of which all is null before the first read', async () => {
    const path = `/api/accounts/${instagram}/profile`;
    expect((await get(path)).body).toMatchObject({
      provider: 'instagram',
      accountId: instagram,
      username: null,
      followers: null,
      readAt: null,
    });
    await insert('account_profiles', {
      oauth_account_id: instagram,
      username: 'studio',
      followers: 4_000_000_000,
      read_at: day(9),
      raw: { username: 'studio' },
      ...NEW_COMMENT,
    });
    const { body } = await get(path);
    expect(body).toMatchObject({ username: 'studio', followers: 4_000_000_000, likes: null, readAt: day(9) });
    expect(body).not.toHaveProperty('raw');
    expect((await get(`${path}?raw=true`)).body.raw).toEqual({ username: 'studio' });
  });

  test('has numbers of days and of its lifetime', async () => {
    const number = (row: Record<string, unknown>): Promise<string> =>
      insert('account_insights', { oauth_account_id: threads, breakdown: '', read_at: day(9), ...row });
    await number({ metric: 'views', period: 'day', day: '2026-11-02', end_time: day(3), value: 2 });
    await number({ metric: 'views', period: 'day', day: '2026-11-03', end_time: day(4), value: 3 });
    await number({ metric: 'followers_count', period: 'lifetime', value: 10 });
    const path = `/api/accounts/${threads}/insights`;
    const series = await list(path);
    expect(series).toEqual([
      { metric: 'followers_count', period: 'lifetime', takenAt: day(9), endTime: null, value: 10 },
      { metric: 'views', period: 'day', day: '2026-11-03', endTime: day(4), value: 3 },
      { metric: 'views', period: 'day', day: '2026-11-02', endTime: day(3), value: 2 },
    ]);
    expect(await walk(path, 1)).toEqual(series);
    expect(await list(`${path}?metric=views&since=${day(4)}`)).toEqual([series[1]]);
  });

  test('that was disconnected keeps its copies, and its comments cannot be moderated', async () => {
    await clear();
    const media = await igMedia();
    await igComment(media);
    expect((await world.call('DELETE', `/api/accounts/${instagram}`)).status).toBe(204);
    const [comment] = await list('/api/comments');
    expect(comment.can.reply.allowed).toBe(false);
    expect(comment.can.delete.reason).toMatch(/^(account_not_active|not_supported)$/);
    expect(await list(`/api/accounts/${instagram}/media`)).toHaveLength(1);
    expect(await list(`/api/media-copies/${media}/comments`)).toHaveLength(1);
    expect((await get(`/api/accounts/${instagram}/profile`)).status).toBe(200);
  });
});

test('every route of copies takes the query fields that the contract lists, and no others', async () => {
  const { answer } = await world.visitConsent({}, world.user.key, 'instagram');
  const account: string = answer.body.accounts[0].id;
  await clear();
  const media = await igMedia();
  const listed = `limit=2&since=${day(1)}&includeRemoved=true&raw=true`;
  const lists = ['profile', 'media', 'comments', 'insights'].map(
    (what) => `/api/accounts/${account}/${what}`,
  );
  const below = ['comments', 'insights'].map((what) => `/api/media-copies/${media}/${what}`);
  for (const path of [...lists, ...below, '/api/comments']) {
    const answers = {
      path,
      listed: (await get(`${path}?${listed}`)).status,
      other: (await get(`${path}?removed=true`)).status,
      badLimit: (await get(`${path}?limit=0`)).status,
      badCursor: (await get(`${path}?cursor=x`)).body.error?.code,
    };
    expect(answers).toEqual({ path, listed: 200, other: 400, badLimit: 400, badCursor: 'invalid_cursor' });
  }
  expect((await get(`/api/media-copies/${media}?includeRemoved=true&raw=true`)).status).toBe(200);
});
