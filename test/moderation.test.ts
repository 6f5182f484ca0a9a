import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import type { Child } from '../stack/child.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* Moderation of comments (docs/guarantees.md): what repeats costs nothing, and a reply is written once. */

const REPLIES = 'instagram.replies';

let world: World;
let instagram: InstagramWorld;
let worker: Child;
let account: Json;
/** The sandbox's media, and the row of its copy. */
let media: { id: string; row: string };

beforeAll(async () => {
  world = await createWorld({ worker: false, env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
  account = await connect('instagram');
  media = await someMedia(account);
  worker = await world.spawn('worker');
  const { body } = await act((await comment()).row, 'hide');
  await untilState(body.id, 'done');
});
afterAll(() => world?.close());
beforeEach(async () => {
  onTestFailed(() => world.tell());
  await world.control('DELETE', '/faults');
});

/** A creator with a Page, as Facebook Login needs it. */
async function newCreator(username: string): Promise<void> {
  await world.control('POST', '/instagram/accounts', { username });
  await world.control('POST', '/instagram/pages', { name: username, user: username, instagram: username });
}

async function connect(provider: string, creator?: string, scopes?: string[]): Promise<Json> {
  const consent = {
    ...(creator === undefined ? {} : { creator }),
    ...(scopes === undefined ? {} : { scopes }),
  };
  const { answer } = await world.visitConsent(consent, world.user.key, provider);
  // Only actions write copies here: no stream reads the platform beside them.
  await world.database.db.execute(sql`update sync_states set state = 'unsupported', next_due_at = null`);
  return answer.body.accounts[0];
}

const one = async (query: ReturnType<typeof sql>): Promise<Json> =>
  (await world.database.db.execute(query))[0];

async function someMedia({ id, username }: Json): Promise<{ id: string; row: string }> {
  const made = await instagram.makeMedia({ account: username });
  const { row } = await one(sql`
    insert into ig_media (user_id, instagram_account_id, ig_id, timestamp, source, read_at)
    select user_id, id, ${made.id}, now(), 'page', now() from instagram_accounts where oauth_account_id = ${id}
    on conflict (instagram_account_id, ig_id) do update set read_at = now() returning id as row`);
  return { id: made.id, row };
}

/** Somebody comments; the comment is copied as a page would copy it. */
async function comment(on = media, fields: Json = {}): Promise<{ id: string; row: string }> {
  const made = await instagram.comment(on.id, 'so good', { event: false, ...fields });
  const { row } = await one(sql`
    insert into ig_comments (user_id, ig_media_id, ig_id, from_user, text, hidden, own, source, read_at, timestamp, raw)
    select user_id, id, ${made.id}, 'some_fan', 'so good', ${made.hidden}, ${made.own}, 'page', now(), now(), '{"id":"of a page"}'
    from ig_media where id = ${on.row} returning id as row`);
  return { id: made.id, row };
}

const act = (row: string, kind: string, init: Json = {}): Promise<Answer> =>
  world.call('POST', `/api/comments/${row}/${kind}`, init);
const reply = (row: string, text: string, key: string = randomUUID()): Promise<Answer> =>
  act(row, 'reply', { body: { text }, headers: { 'idempotency-key': key } });

const copyOf = (row: string): Promise<Json> => one(sql`select * from ig_comments where id = ${row}`);
async function commentsInSandbox(): Promise<Json[]> {
  const rows: Json = await world.control('GET', '/instagram/comments');
  return rows;
}
const inSandbox = async (id: string): Promise<Json> =>
  (await commentsInSandbox()).find((row) => row.id === id);
const repliesTo = async (id: string): Promise<Json[]> =>
  (await commentsInSandbox()).filter((row) => row.parentId === id);
const actionRow = (id: string): Promise<Json> => one(sql`select * from comment_actions where id = ${id}`);
const changesOf = async (row: string): Promise<Json[]> =>
  world.database.db.execute(sql`select kind, data from changes where subject_id = ${row} order by seq`);
const callsTo = async (endpoint: string, method = 'POST'): Promise<number> =>
  (await world.requests(endpoint)).filter((row: Json) => row.method === method).length;

async function untilState(id: string, ...states: string[]): Promise<Json> {
  return until(`action ${id} to be ${states.join(' or ')}`, async () => {
    const { body } = await world.call('GET', `/api/comment-actions/${id}`);
    return states.includes(body.state) ? body : null;
  });
}

/** Lets the minute pass in which a lost reply may still appear. */
async function passMinute(id: string): Promise<void> {
  await world.database.db.execute(
    sql`update comment_actions set last_sent_at = last_sent_at - interval '61 seconds' where id = ${id}`,
  );
  await world.skipTime(`action:${id}`);
}

describe('what can be repeated', () => {
  test('a comment is hidden, its copy and the feed say so, and a repetition costs no call', async () => {
    const { id, row } = await comment();
    const before = await copyOf(row);
    const hidden = await act(row, 'hide');
    expect(hidden.status).toBe(200);
    expect(hidden.body).toEqual({
      id: expect.any(String),
      kind: 'hide',
      commentId: row,
      state: 'done',
      repeat: false,
      providerRef: null,
      postId: null,
      error: null,
    });
    expect(await inSandbox(id)).toMatchObject({ hidden: true });
    const after = await copyOf(row);
    expect(after).toMatchObject({
      hidden: true,
      source: 'action',
      text: 'so good',
      raw: { id: 'of a page' },
    });
    expect(new Date(after.read_at).getTime()).toBeGreaterThan(new Date(before.read_at).getTime());
    expect(await changesOf(row)).toMatchObject([{ kind: 'comment.hidden', data: { own: false } }]);

    const calls = await callsTo('instagram.node');
    const again = await act(row, 'hide');
    expect(again).toMatchObject({ status: 200, body: { state: 'done', repeat: true } });
    expect(again.body.id).not.toBe(hidden.body.id);
    expect(await callsTo('instagram.node')).toBe(calls);
    expect(await changesOf(row)).toHaveLength(1);

    await world.database.db.execute(
      sql`update ig_comments set read_at = now() - interval '2 minutes' where id = ${row}`,
    );
    expect((await act(row, 'hide')).body).toMatchObject({ state: 'done', repeat: true });
    expect(await callsTo('instagram.node')).toBe(calls + 1);

    expect((await act(row, 'unhide')).body).toMatchObject({ state: 'done', repeat: false });
    expect(await inSandbox(id)).toMatchObject({ hidden: false });
    expect((await changesOf(row)).map(({ kind }) => kind)).toEqual(['comment.hidden', 'comment.updated']);
    expect((await world.call('GET', `/api/comment-actions/${hidden.body.id}`)).body).toEqual(hidden.body);
  });

  test('a deletion that was asked for is a removal, and to delete again changes nothing', async () => {
    const { id, row } = await comment();
    expect(await act(row, 'delete')).toMatchObject({ status: 200, body: { state: 'done', repeat: false } });
    expect(await inSandbox(id)).toBeUndefined();
    expect(await copyOf(row)).toMatchObject({ removed_reason: 'asked', source: 'action' });
    expect(await changesOf(row)).toMatchObject([{ kind: 'comment.removed', data: { reason: 'asked' } }]);
    expect(await act(row, 'delete')).toMatchObject({ status: 200, body: { state: 'done', repeat: true } });
    for (const kind of ['hide', 'unhide'])
      expect(await act(row, kind)).toMatchObject({
        status: 409,
        body: { error: { code: 'comment_removed' } },
      });
    expect(await reply(row, 'too late')).toMatchObject({
      status: 409,
      body: { error: { code: 'comment_removed', details: { removedReason: 'asked' } } },
    });
  });

  test('a deletion whose answer was lost is done', async () => {
    const { id, row } = await comment();
    await world.fault({ endpoint: 'instagram.node:comment', kind: 'accept-then-drop' });
    const asked = await act(row, 'delete');
    expect(await untilState(asked.body.id, 'done', 'failed')).toMatchObject({ state: 'done' });
    expect(await inSandbox(id)).toBeUndefined();
    expect(await copyOf(row)).toMatchObject({ removed_reason: 'asked' });
  });

  test('a key answers the same action, and belongs to one request', async () => {
    const { row } = await comment();
    const headers = { 'idempotency-key': randomUUID() };
    const first = await act(row, 'hide', { headers });
    const second = await act(row, 'hide', { headers });
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await act(row, 'unhide', { headers })).toMatchObject({
      status: 422,
      body: { error: { code: 'idempotency_key_reused', details: { actionId: first.body.id } } },
    });
  });

  test('a committed action that was never started is done by the sweep', async () => {
    const { id, row } = await comment();
    const { action } = await one(sql`
      insert into comment_actions (user_id, oauth_account_id, kind, subject, request_hash, created_at)
      values (${world.user.id}, ${account.id}, 'hide', ${row}, '', now() - interval '1 minute') returning id as action`);
    expect(await world.sweep()).toMatchObject({ actions: 1 });
    await untilState(action, 'done');
    expect(await inSandbox(id)).toMatchObject({ hidden: true });
    await world.database.db.execute(
      sql`update comment_actions set state = 'accepted', started_at = now() - interval '2 minutes' where id = ${action}`,
    );
    await until('Temporal to show that no workflow runs', async () =>
      (await world.sweep()).actions === 1 ? true : null,
    );
    await untilState(action, 'done');
  });
});

describe('a reply', () => {
  test('needs a key, and is written once for each key, however often it is asked for', async () => {
    const { id, row } = await comment();
    const without = await act(row, 'reply', { body: { text: 'thanks' } });
    expect(without).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
    expect(without.body.error.message).toContain('Idempotency-Key');
    expect((await reply(row, '')).status).toBe(400);
    const key = randomUUID();
    const answers = await Promise.all([1, 2, 3, 4].map(() => reply(row, 'thanks', key)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const [made, ...others] = await repliesTo(id);
    expect(others).toEqual([]);
    expect(made).toMatchObject({ text: 'thanks', own: true });
    expect(answers[0]?.body).toMatchObject({
      state: 'done',
      repeat: false,
      providerRef: made.id,
      postId: null,
    });
    const copy = await one(sql`select * from ig_comments where ig_id = ${made.id}`);
    expect(copy).toMatchObject({ own: true, source: 'action', parent_ig_id: id, text: 'thanks' });
    expect(await changesOf(copy.id)).toMatchObject([{ kind: 'comment.created', data: { own: true } }]);
    expect(await reply(row, 'thanks a lot', key)).toMatchObject({
      status: 422,
      body: { error: { code: 'idempotency_key_reused' } },
    });
  });

  test.each([
    ['the connection ended after it was made', { kind: 'accept-then-drop' }],
    ['the platform failed after it was made', { kind: 'accept-then-500' }],
    [
      'the format of the answer was refused',
      { kind: 'status', http: 400, code: '20/1772107', when: 'after' },
    ],
  ])('is found where %s', async (_how, fault) => {
    const { id, row } = await comment();
    const posts = await callsTo(REPLIES);
    await world.fault({ endpoint: REPLIES, ...fault });
    const asked = await reply(row, `lost ${randomUUID()}`);
    const [made] = await repliesTo(id);
    expect(await untilState(asked.body.id, 'done')).toMatchObject({ providerRef: made.id, error: null });
    expect(await repliesTo(id)).toHaveLength(1);
    expect(await callsTo(REPLIES)).toBe(posts + 1);
  });

  test('is sent again where it was lost, after a minute in which it did not appear', async () => {
    const { id, row } = await comment();
    await world.fault({ endpoint: REPLIES, kind: 'drop-before' });
    const asked = await reply(row, 'lost on its way');
    expect(asked).toMatchObject({ status: 202, body: { state: 'unknown', error: null } });
    expect(await repliesTo(id)).toEqual([]);
    expect(await actionRow(asked.body.id)).toMatchObject({ tries: 1 });
    await passMinute(asked.body.id);
    await untilState(asked.body.id, 'done');
    expect(await repliesTo(id)).toHaveLength(1);
    expect(await actionRow(asked.body.id)).toMatchObject({ tries: 2 });
  });

  test('two with the same text whose answers are lost are two', async () => {
    const { id, row } = await comment();
    await world.fault({ endpoint: REPLIES, kind: 'accept-then-drop', times: 1 });
    const asked = await Promise.all([reply(row, 'the same'), reply(row, 'the same')]);
    const done = await Promise.all(asked.map(({ body }) => untilState(body.id, 'done')));
    const made = await repliesTo(id);
    expect(made).toHaveLength(2);
    expect(new Set(done.map(({ providerRef }) => providerRef))).toEqual(
      new Set(made.map((found) => found.id)),
    );
  });

  test('is written once by a worker that is killed right after the send', async () => {
    const { id, row } = await comment();
    await world.fault({ endpoint: REPLIES, kind: 'slow', ms: 2_000 });
    const asking = reply(row, 'killed');
    const action = await until('the action to be sent', async () => {
      const sent = await one(sql`select id from comment_actions where subject = ${row} and state = 'sent'`);
      return sent ?? null;
    });
    await until('the call', async () => (await world.requests(REPLIES)).length > 0 || null);
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    await until('the reply to be made', async () => ((await repliesTo(id)).length > 0 ? true : null));
    worker = await world.spawn('worker');
    expect((await asking).status).toBe(202);
    const [made] = await repliesTo(id);
    expect(await untilState(action.id, 'done')).toMatchObject({ providerRef: made.id });
    expect(await repliesTo(id)).toHaveLength(1);
  });

  test('waits while the platform throttles, and goes on', async () => {
    const { id, row } = await comment();
    await world.fault({ endpoint: REPLIES, kind: 'status', http: 400, code: '4' });
    const asked = await reply(row, 'throttled');
    expect(asked).toMatchObject({ status: 202, body: { state: 'accepted' } });
    expect(await actionRow(asked.body.id)).toMatchObject({ tries: 0, sent_at: null });
    await world.skipTime(`action:${asked.body.id}`);
    await untilState(asked.body.id, 'done');
    expect(await repliesTo(id)).toHaveLength(1);
  });

  test('that the platform refuses has failed, with the reason', async () => {
    const { id, row } = await comment();
    await instagram.editComment(id, { hidden: true });
    const refused = await reply(row, 'to what is hidden');
    expect(refused).toMatchObject({ status: 200, body: { state: 'failed', providerRef: null } });
    expect(refused.body.error).toMatchObject({ code: expect.any(String), userMessage: expect.any(String) });
    expect(await repliesTo(id)).toEqual([]);
  });
});

describe('what cannot be done', () => {
  test('is refused before any call', async () => {
    const { row } = await comment();
    const other = await world.newUser();
    const calls = (await world.requests()).length;
    for (const key of [other.key]) expect((await act(row, 'hide', { key })).status).toBe(404);
    expect((await act(randomUUID(), 'hide')).status).toBe(404);
    expect(await act(row, 'approve')).toMatchObject({
      status: 422,
      body: { error: { code: 'not_supported', details: { reason: expect.any(String) } } },
    });
    const made = await world.call('POST', `/api/users/${world.user.id}/keys`, {
      key: world.secrets.adminKey,
      body: { name: 'reader', scopes: ['content:read'] },
    });
    expect(await act(row, 'hide', { key: made.body.key })).toMatchObject({
      status: 403,
      body: { error: { code: 'insufficient_scope', details: { scope: 'comments:write' } } },
    });
    expect((await world.requests()).length).toBe(calls);
    const hidden = await act(row, 'hide');
    expect(
      (await world.call('GET', `/api/comment-actions/${hidden.body.id}`, { key: other.key })).status,
    ).toBe(404);
  });

  test('names the scopes that the account has not granted', async () => {
    await newCreator('reserved');
    const scopes = [
      'instagram_basic',
      'instagram_content_publish',
      'pages_show_list',
      'pages_read_engagement',
    ];
    const reserved = await connect('instagram', 'reserved', scopes);
    const { row } = await comment(await someMedia(reserved));
    expect(await act(row, 'hide')).toMatchObject({
      status: 409,
      body: { error: { code: 'permission_missing', details: { scopes: ['instagram_manage_comments'] } } },
    });
  });

  test('an account that is not active is to be connected again', async () => {
    await newCreator('leaver');
    const leaver = await connect('instagram', 'leaver');
    const { row } = await comment(await someMedia(leaver));
    await world.call('DELETE', `/api/accounts/${leaver.id}`);
    expect(await act(row, 'hide')).toMatchObject({
      status: 409,
      body: { error: { code: 'account_not_active' } },
    });
  });

  test('an action under way writes nothing once its creator’s data are deleted', async () => {
    await newCreator('forgotten');
    const forgotten = await connect('instagram', 'forgotten');
    const { row } = await comment(await someMedia(forgotten));
    await world.fault({ endpoint: REPLIES, kind: 'slow', ms: 4_000 });
    const asking = reply(row, 'in flight');
    const { id } = await until('the action to be sent', async () => {
      const sent = await one(sql`select id from comment_actions where subject = ${row} and state = 'sent'`);
      return sent ?? null;
    });
    await world.control('POST', '/instagram/data-deletion', { user: 'forgotten' });
    await until('the action to be deleted', async () => ((await actionRow(id)) === undefined ? true : null));
    await asking;
    const handle = world.temporal.workflow.getHandle(`action:${id}`);
    expect(await handle.result()).toContain('deleted');
    const { left } = await one(sql`
      select (select count(*) from changes where oauth_account_id = ${forgotten.id})
        + (select count(*) from comment_actions where oauth_account_id = ${forgotten.id})
        + (select count(*) from all_comments where account_id = ${forgotten.id}) as left`);
    expect(Number(left)).toBe(0);
  });
});
