import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Json, type World } from './world.ts';
import { createInstagramModeration, type CopiedMedia } from './world/moderation.ts';

/* Moderation of comments (docs/guarantees.md): what repeats costs nothing. moderation-replies.test.ts has the replies. */

const REPLIES = 'instagram.replies';
const {
  newCreator,
  connect,
  one,
  someMedia,
  comment,
  act,
  reply,
  copyOf,
  inSandbox,
  actionRow,
  changesOf,
  callsTo,
  untilState,
} = createInstagramModeration(() => world);

let world: World;
let account: Json;
let media: CopiedMedia;

beforeAll(async () => {
  world = await createWorld({ worker: false, env: { EVERPOST_SYNC: 'on' } });
  account = await connect('instagram');
  media = await someMedia(account);
  await world.spawn('worker');
  const { body } = await act((await comment(media)).row, 'hide');
  await untilState(body.id, 'done');
});
afterAll(() => world?.close());
beforeEach(async () => {
  onTestFailed(() => world.tell());
  await world.control('DELETE', '/faults');
});

describe('what can be repeated', () => {
  test('a comment is hidden, its copy and the feed say so, and a repetition costs no call', async () => {
    const { id, row } = await comment(media);
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
    const { id, row } = await comment(media);
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
    const { id, row } = await comment(media);
    await world.fault({ endpoint: 'instagram.node:comment', kind: 'accept-then-drop' });
    const asked = await act(row, 'delete');
    expect(await untilState(asked.body.id, 'done', 'failed')).toMatchObject({ state: 'done' });
    expect(await inSandbox(id)).toBeUndefined();
    expect(await copyOf(row)).toMatchObject({ removed_reason: 'asked' });
  });

  test('a key answers the same action, and belongs to one request', async () => {
    const { row } = await comment(media);
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
    const { id, row } = await comment(media);
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

  test('of two that undo each other the last one counts, however slow the first is', async () => {
    const { id, row } = await comment(media);
    await world.fault({ endpoint: 'instagram.node:comment', kind: 'slow', ms: 3_000 });
    const hiding = act(row, 'hide');
    await until('the first to be sent', async () => {
      const sent = await one(sql`select id from comment_actions where subject = ${row} and state = 'sent'`);
      return sent ?? null;
    });
    const shown = await act(row, 'unhide');
    expect(shown.body).toMatchObject({ kind: 'unhide', repeat: false });
    await untilState((await hiding).body.id, 'done');
    await untilState(shown.body.id, 'done');
    expect(await inSandbox(id)).toMatchObject({ hidden: false });
    expect(await copyOf(row)).toMatchObject({ hidden: false });
  });
});

describe('what cannot be done', () => {
  test('is refused before any call', async () => {
    const { row } = await comment(media);
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
