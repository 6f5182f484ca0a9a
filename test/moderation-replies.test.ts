import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import type { Child } from '../stack/child.ts';
import { createWorld, until, type Json, type World } from './world.ts';
import { createInstagramModeration, type CopiedMedia } from './world/moderation.ts';

/* Replies to comments on Instagram (docs/guarantees.md): written once, whatever is lost. */

const REPLIES = 'instagram.replies';
const {
  connect,
  one,
  someMedia,
  comment,
  act,
  reply,
  repliesTo,
  actionRow,
  changesOf,
  callsTo,
  untilState,
  passMinute,
} = createInstagramModeration(() => world);

let world: World;
let instagram: InstagramWorld;
let worker: Child;
let account: Json;
let media: CopiedMedia;

beforeAll(async () => {
  world = await createWorld({ worker: false, env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
  account = await connect('instagram');
  media = await someMedia(account);
  worker = await world.spawn('worker');
  const { body } = await act((await comment(media)).row, 'hide');
  await untilState(body.id, 'done');
});
afterAll(() => world?.close());
beforeEach(async () => {
  onTestFailed(() => world.tell());
  await world.control('DELETE', '/faults');
});

describe('a reply', () => {
  test('needs a key, and is written once for each key, however often it is asked for', async () => {
    const { id, row } = await comment(media);
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
      'the platform says that it failed, after it was made',
      { kind: 'status', http: 500, code: '-1/2207001', when: 'after' },
    ],
    [
      'the format of the answer was refused',
      { kind: 'status', http: 400, code: '20/1772107', when: 'after' },
    ],
  ])('is found where %s', async (_how, fault) => {
    const { id, row } = await comment(media);
    const posts = await callsTo(REPLIES);
    await world.fault({ endpoint: REPLIES, ...fault });
    const asked = await reply(row, `lost ${randomUUID()}`);
    const [made] = await repliesTo(id);
    expect(await untilState(asked.body.id, 'done')).toMatchObject({ providerRef: made.id, error: null });
    expect(await repliesTo(id)).toHaveLength(1);
    expect(await callsTo(REPLIES)).toBe(posts + 1);
  });

  test('is sent again where it was lost, after a minute in which it did not appear', async () => {
    const { id, row } = await comment(media);
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

  test('waits its minute from when its answer was lost, however long the call took', async () => {
    const { id, row } = await comment(media);
    await world.fault({ endpoint: REPLIES, kind: 'slow', ms: 2_000 });
    await world.fault({ endpoint: REPLIES, kind: 'drop-before' });
    const asking = reply(row, 'lost after long');
    const sent = await until('the action to be sent', async () => {
      const found =
        await one(sql`update comment_actions set last_sent_at = last_sent_at - interval '61 seconds'
        where subject = ${row} and state = 'sent' returning id, last_sent_at`);
      return found ?? null;
    });
    await asking;
    await untilState(sent.id, 'unknown');
    const lost = await actionRow(sent.id);
    expect(lost).toMatchObject({ tries: 1 });
    expect(new Date(lost.last_sent_at).getTime()).toBeGreaterThan(Date.now() - 50_000);
    await passMinute(sent.id);
    await untilState(sent.id, 'done');
    expect(await repliesTo(id)).toHaveLength(1);
  });

  test('that cannot be looked for, because there are too many, is not sent again', async () => {
    const { id, row } = await comment(media);
    await instagram.makeManyComments(media.id, 1_050, { parentId: id });
    await world.fault({ endpoint: REPLIES, kind: 'drop-before' });
    const asked = await reply(row, 'one of very many');
    const ended = await until('the action to end', async () => {
      const { body } = await world.call('GET', `/api/comment-actions/${asked.body.id}`);
      return body.error === null ? null : body;
    });
    expect(ended).toMatchObject({ state: 'unknown', error: { code: 'outcome_unknown' } });
    expect(ended.error.userMessage).toContain('Look at the comment');
    expect(await actionRow(asked.body.id)).toMatchObject({ tries: 1 });
  });

  test('two with the same text whose answers are lost are two', async () => {
    const { id, row } = await comment(media);
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
    const { id, row } = await comment(media);
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
    const { id, row } = await comment(media);
    await world.fault({ endpoint: REPLIES, kind: 'status', http: 400, code: '4' });
    const asked = await reply(row, 'throttled');
    expect(asked).toMatchObject({ status: 202, body: { state: 'accepted' } });
    expect(await actionRow(asked.body.id)).toMatchObject({ tries: 0, sent_at: null });
    await world.skipTime(`action:${asked.body.id}`);
    await untilState(asked.body.id, 'done');
    expect(await repliesTo(id)).toHaveLength(1);
  });

  test('that the platform refuses has failed, with the reason', async () => {
    const { id, row } = await comment(media);
    await instagram.editComment(id, { hidden: true });
    const refused = await reply(row, 'to what is hidden');
    expect(refused).toMatchObject({ status: 200, body: { state: 'failed', providerRef: null } });
    expect(refused.body.error).toMatchObject({ code: expect.any(String), userMessage: expect.any(String) });
    expect(await repliesTo(id)).toEqual([]);
  });
});
