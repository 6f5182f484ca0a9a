import { createHmac } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { createCallCounter } from '../sandbox/testing/creator.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/* Copies of what Threads knows, through every layer. Each test has a creator of its own. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let world: World;
let threads: ReturnType<typeof createThreadsWorld>;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  threads = createThreadsWorld(world.sandbox.url);
  await world.control('POST', '/threads/options', { listEnd: 'no-after' });
});
afterAll(() => world?.close());

/** A creator with a connected account. */
async function connect(username: string): Promise<Creator> {
  onTestFailed(() => world.tell());
  await world.control('POST', '/threads/profiles', { username });
  const { answer } = await world.visitConsent({ creator: username }, world.user.key, 'threads');
  expect(answer.status).toBe(200);
  const id: string = answer.body.accounts[0].id;
  return creator(username, id);
}
type Creator = ReturnType<typeof creator>;

const rows = async (query: ReturnType<typeof sql>): Promise<Json[]> => [
  ...(await world.database.db.execute(query)),
];

function creator(username: string, accountId: string) {
  const media = (): Promise<Json[]> =>
    rows(
      sql`select * from threads_media where oauth_account_id = ${accountId}::uuid order by timestamp desc`,
    );
  const replies = (): Promise<Json[]> =>
    rows(sql`select * from threads_replies where oauth_account_id = ${accountId}::uuid order by timestamp`);
  const line = async (stream: string): Promise<Json> =>
    (
      await rows(
        sql`select * from sync_states where oauth_account_id = ${accountId}::uuid and stream = ${stream}`,
      )
    )[0];

  /** A round of these streams, from now to its end. */
  async function sync(mode: 'incremental' | 'full', ...streams: string[]): Promise<void> {
    await copied();
    const before = new Map<string, string>();
    for (const stream of streams) before.set(stream, String((await line(stream))?.last_success_at));
    const answer = await world.call('POST', `/api/accounts/${accountId}/sync`, { body: { mode, streams } });
    expect(answer.status).toBe(202);
    await until(`${streams.join()} of ${username} to be read`, async () => {
      for (const stream of streams) {
        const now = await line(stream);
        const done = now.state === 'idle' && String(now.last_success_at) !== before.get(stream);
        if (!done) return null;
      }
      return true;
    });
  }

  /** The first pass over everything. */
  const copied = (): Promise<true> =>
    until(`all of ${username} to be copied`, async () => {
      const lines = await rows(sql`select state, last_success_at from sync_states
        where oauth_account_id = ${accountId}::uuid and state <> 'unsupported'`);
      const done = lines.filter((one) => one.state === 'idle' && one.last_success_at !== null);
      return lines.length > 0 && done.length === lines.length ? true : null;
    });

  const changes = async (kind: string): Promise<Json[]> =>
    rows(
      sql`select * from changes where oauth_account_id = ${accountId}::uuid and kind like ${kind} order by seq`,
    );

  return { username, accountId, media, replies, line, sync, copied, changes };
}

describe('media', () => {
  test('are copied with the profile in the first pass, also what is not ours', async () => {
    await world.control('POST', '/threads/profiles', { username: 'first', followers: 4_000_000_000 });
    const ids = await threads.makeManyMedia(120, {
      username: 'first',
      text: 'post {n}',
      createdAt: Date.now() - 8 * DAY,
      everyMs: DAY,
    });
    const counter = createCallCounter(world.sandbox.url);
    const one = await connect('first');
    await one.copied();
    expect((await one.media()).map((row) => row.threads_id)).toEqual(ids.toReversed());
    expect((await one.media())[0]).toMatchObject({
      text: 'post 120',
      media_type: 'TEXT_POST',
      source: 'page',
      removed_at: null,
    });
    expect(
      await rows(sql`select * from account_profiles where oauth_account_id = ${one.accountId}::uuid`),
    ).toEqual([expect.objectContaining({ username: 'first', followers: '4000000000' })]);
    expect(await one.line('media')).toMatchObject({ backfill_complete: true, reason: null });
    expect(await one.line('stories')).toMatchObject({ state: 'unsupported' });
    // Nobody has answered these posts.
    expect((await counter.calls()).counts['threads.conversation'] ?? 0).toBe(0);
    expect(await one.changes('media.%')).toEqual([]);
  });

  test('that Everpost published as a chain are linked to their post, part by part, and are no replies', async () => {
    const one = await connect('chained');
    await one.copied();
    const { body: post } = await world.call('POST', '/api/threads/publish', {
      body: {
        accountId: one.accountId,
        mediaType: 'TEXT',
        postInfo: { text: 'the first' },
        replies: [
          { mediaType: 'TEXT', postInfo: { text: 'the second' } },
          { mediaType: 'TEXT', postInfo: { text: 'the third' } },
        ],
      },
    });
    await world.untilPost(post.id, 'published');
    await one.sync('incremental', 'media');
    await one.sync('full', 'replies');
    const parts = (await one.media()).map((row) => [row.text, row.post_id, row.chain_index]);
    expect(new Set(parts)).toEqual(
      new Set([
        ['the first', post.id, 0],
        ['the second', post.id, 1],
        ['the third', post.id, 2],
      ]),
    );
    expect(await one.replies()).toEqual([]);
  });

  test('of which a page knows before Everpost are linked to their post when its id is known', async () => {
    const one = await connect('early');
    await one.copied();
    // The answer takes half a minute.
    await world.fault({ endpoint: 'threads.publish', kind: 'trickle', ms: 1000 });
    const { body: post } = await world.call('POST', '/api/threads/publish', {
      body: {
        accountId: one.accountId,
        mediaType: 'TEXT',
        postInfo: { text: 'the first' },
        replies: [{ mediaType: 'TEXT', postInfo: { text: 'the second' } }],
      },
    });
    const root = await until('the post to be live', async () => {
      await one.sync('incremental', 'media');
      return (await one.media())[0] ?? null;
    });
    expect(root).toMatchObject({ text: 'the first', post_id: null, chain_index: null });
    await world.untilPost(post.id, 'published');
    expect(await one.media()).toContainEqual(
      expect.objectContaining({ threads_id: root.threads_id, post_id: post.id, chain_index: 0 }),
    );
  });

  test('are found, edited, removed by proof and restored', async () => {
    await threads.setProfile({ username: 'second' });
    const [old, kept, gone] = await threads.makeManyMedia(3, {
      username: 'second',
      createdAt: Date.now() - DAY,
    });
    if (old === undefined || kept === undefined || gone === undefined) throw new Error('no posts');
    const one = await connect('second');
    await one.copied();
    const { id } = await threads.makeMedia({ username: 'second', text: 'new', silent: true });
    await threads.editMedia(kept, { text: 'edited' });
    await one.sync('incremental', 'media');
    const texts = async () =>
      Object.fromEntries((await one.media()).map((row) => [row.threads_id, row.text]));
    expect(await texts()).toMatchObject({ [id]: 'new', [kept]: 'edited' });
    expect(new Set((await one.changes('media.%')).map(({ kind }) => kind))).toEqual(
      new Set(['media.created', 'media.updated']),
    );

    await world.control('POST', '/threads/posts/delete', { ids: [gone], silent: true });
    await one.sync('full', 'media');
    const removed = async () => (await one.media()).filter((row) => row.removed_at !== null);
    expect(await removed()).toEqual([
      expect.objectContaining({ threads_id: gone, removed_reason: 'absent' }),
    ]);

    await threads.restoreMedia(gone);
    await one.sync('full', 'media');
    expect(await removed()).toEqual([]);
    const kinds = (await one.changes('media.%')).map(({ kind }) => kind);
    expect(kinds.slice(-2)).toEqual(['media.removed', 'media.restored']);
  });
});

/** An event as Threads sends it, signed. */
async function send(field: string, target: string, value: Json): Promise<void> {
  const values = { field, value };
  const body = JSON.stringify({ app_id: '1', topic: 'moderate', target_id: target, time: 1, values });
  const signature = createHmac('sha256', world.secrets.threadsSecret).update(body).digest('hex');
  const headers = { 'x-hub-signature-256': `sha256=${signature}` };
  const answer = await world.call('POST', '/api/webhooks/threads', { key: null, body, headers });
  expect(answer.status).toBe(200);
}

/** Waits until a page has shown a copy. */
const read = (what: string, id: string, list: () => Promise<Json[]>): Promise<Json> =>
  until(what, async () => {
    const row = (await list()).find((found) => found.threads_id === id);
    return row?.source === 'page' ? row : null;
  });

describe('events', () => {
  test('that name no account reach those whose media they name, and no other', async () => {
    await threads.setProfile({ username: 'unnamed' });
    const make = async (params: Json): Promise<string> =>
      (await world.control('POST', '/threads/posts', { silent: true, ...params })).post.id;
    const root = await make({ username: 'unnamed', text: 'root' });
    const stranger = await connect('stranger');
    const one = await connect('unnamed');
    await Promise.all([one.copied(), stranger.copied()]);

    const first = await make({ username: 'fan', text: 'first', replyTo: root });
    await send('replies', root, { id: first, username: 'fan', text: 'first', root_post: { id: root } });
    await read('the reply to be read', first, one.replies);
    const below = await make({ username: 'fan', text: 'below', replyTo: first });
    await send('replies', first, { id: below, username: 'fan', text: 'below' });
    expect(await read('the reply to the reply to be read', below, one.replies)).toMatchObject({
      root_id: root,
    });
    const mention = await make({ username: 'fan', text: '@unnamed', replyTo: root });
    await send('mentions', '1234567890', { id: mention, username: 'fan', root_post: { id: root } });
    await read('the mention to be read', mention, one.replies);

    const next = await make({ username: 'unnamed', text: 'next' });
    await send('publish', next, { id: next, username: 'unnamed' });
    await read('the post to be read', next, one.media);
    await world.control('POST', '/threads/posts/delete', { ids: [next], silent: true });
    await send('delete', next, { id: next });
    await until('the post to be removed', async () => {
      const row = (await one.media()).find((found) => found.threads_id === next);
      return row.removed_reason === 'event' ? row : null;
    });
    expect([...(await stranger.media()), ...(await stranger.replies())]).toEqual([]);
  });

  test('show a reply at once, and remove by proof what they say is deleted', async () => {
    await threads.setProfile({ username: 'told' });
    const { id } = await threads.makeMedia({ username: 'told', text: 'root', silent: true });
    const one = await connect('told');
    await one.copied();
    const reply = await threads.comment(id, 'hello');
    const mine = await threads.comment(reply.id, 'mine', { username: 'told' });
    await until('both replies to be read', async () => {
      const found = await one.replies();
      return found.length === 2 && found.every((row) => row.source === 'page') ? found : null;
    });
    const own = (await one.replies()).filter((row) => row.own === true);
    expect(own.map((row) => row.threads_id)).toEqual([mine.id]);
    await threads.deleteComment(mine.id);
    const gone = await until('the own reply to be removed', async () => {
      const row = (await one.replies()).find((found) => found.threads_id === mine.id);
      return row.removed_at === null ? null : row;
    });
    expect(gone.removed_reason).toBe('event');
  });
});
