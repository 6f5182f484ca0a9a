import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* Moderation of Threads: a reply is an ordinary post, the rest are calls. */

let world: World;
let threads: ReturnType<typeof createThreadsWorld>;
let accountId: string;
let root: string;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  threads = createThreadsWorld(world.sandbox.url);
  await threads.setProfile({ username: 'owner' });
  ({ id: root } = await threads.makeMedia({ username: 'owner', text: 'root', silent: true }));
  const { answer } = await world.visitConsent({ creator: 'owner' }, world.user.key, 'threads');
  accountId = answer.body.accounts[0].id;
});
afterAll(() => world?.close());
beforeEach(() => onTestFailed(() => world.tell()));

const copies = async (): Promise<Json[]> => [
  ...(await world.database.db.execute<Json>(
    sql`select * from threads_replies where oauth_account_id = ${accountId}::uuid`,
  )),
];

/** Somebody answers; the copy of the answer, once the platform has told it. */
async function answered(text: string, under = root): Promise<Json> {
  const { id } = await threads.comment(under, text);
  return until('the copy', async () => {
    const found = (await copies()).find((row) => row['threads_id'] === id);
    return found?.['read_at'] == null ? null : found;
  });
}

const act = (comment: string, kind: string, body?: object, key = randomUUID()): Promise<Answer> =>
  world.call('POST', `/api/comments/${comment}/${kind}`, {
    headers: { 'idempotency-key': key },
    ...(body === undefined ? {} : { body }),
  });

const ended = (id: string): Promise<Json> =>
  until('the end of the action', async () => {
    const { body } = await world.call('GET', `/api/comment-actions/${id}`);
    return body.state === 'done' || body.state === 'failed' ? body : null;
  });

test('a reply is published once, as a post that the action names', async () => {
  const comment = await answered('a question');
  const key = randomUUID();
  const answers = await Promise.all(
    [1, 2, 3].map(() => act(comment['id'], 'reply', { text: 'an answer' }, key)),
  );
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  const action = await ended(answers[0]?.body.id);
  expect(action).toMatchObject({ kind: 'reply', state: 'done', commentId: comment['id'], error: null });
  const post = await world.untilPost(action['postId'], 'published');
  expect(post['providerPostId']).toBe(action['providerRef']);
  const own = (await copies()).filter((row) => row['text'] === 'an answer');
  expect(own).toEqual([
    expect.objectContaining({
      own: true,
      threads_id: action['providerRef'],
      replied_to_id: comment['threads_id'],
    }),
  ]);
});

test('a reply of ours is deleted; one of somebody else cannot be', async () => {
  const comment = await answered('another question');
  const refused = await act(comment['id'], 'delete');
  expect([refused.status, refused.body.error.code]).toEqual([422, 'not_supported']);
  const reply = await ended((await act(comment['id'], 'reply', { text: 'to be deleted' })).body.id);
  const own = (await copies()).find((row) => row['threads_id'] === reply['providerRef']);
  const action = await ended((await act(own?.['id'], 'delete')).body.id);
  expect(action).toMatchObject({ kind: 'delete', state: 'done' });
  const gone = (await copies()).find((row) => row['threads_id'] === reply['providerRef']);
  expect(gone).toMatchObject({ removed_reason: 'asked' });
});

test('a reply that the platform does not find once is not taken for deleted', async () => {
  const comment = await answered('a third question');
  const reply = await ended((await act(comment['id'], 'reply', { text: 'still there' })).body.id);
  const own = (await copies()).find((row) => row['threads_id'] === reply['providerRef']);
  await world.fault({ endpoint: 'threads.delete', kind: 'status', http: 400, code: '100/33' });
  const action = await ended((await act(own?.['id'], 'delete')).body.id);
  // Deleted by a second try: the first one says nothing.
  expect(action).toMatchObject({ state: 'done' });
  const posts: Json = await world.control('GET', '/threads/posts');
  const left: Json[] = posts;
  expect(left.filter((post) => post['id'] === reply['providerRef'] && post['deletedAt'] === null)).toEqual(
    [],
  );
});

test('a top-level reply is hidden and shown again; a nested one is not, and nothing is liked', async () => {
  const comment = await answered('not nice');
  expect(await ended((await act(comment['id'], 'hide')).body.id)).toMatchObject({ state: 'done' });
  const hidden = (await copies()).find((row) => row['id'] === comment['id']);
  expect(hidden).toMatchObject({ hide_status: 'HIDDEN', source: 'action' });
  expect(await ended((await act(comment['id'], 'unhide')).body.id)).toMatchObject({ state: 'done' });
  const nested = await answered('deeper', comment['threads_id']);
  const refusals = await Promise.all([act(nested['id'], 'hide'), act(comment['id'], 'like')]);
  expect(refusals.map(({ status, body }) => [status, body.error.code])).toEqual([
    [422, 'not_supported'],
    [422, 'not_supported'],
  ]);
});

const approvalOf = async ({ providerCommentId }: Json): Promise<unknown> => {
  const posts: Json[] = await world.control('GET', '/threads/posts');
  return posts.find((post) => post['id'] === providerCommentId)?.['approval'];
};
const stateOf = async ({ id }: Json): Promise<unknown> => {
  const { body } = await world.call('GET', `/api/accounts/${accountId}/comments?limit=200`);
  return body.data.find((row: Json) => row['id'] === id)?.['state'];
};

test('a reply that waits is approved or ignored, and cannot be answered or hidden before', async () => {
  const moderated = await threads.makeMedia({
    username: 'owner',
    text: 'with approvals',
    params: { enable_reply_approvals: 'true' },
    silent: true,
  });
  /** A reply that waits, as the API shows it once a full pass has told it. */
  const waiting = async (text: string): Promise<Json> => {
    const { id } = await threads.comment(moderated.id, text);
    return until('the pending reply', async () => {
      const { body } = await world.call('GET', `/api/comments?state=pending&accountId=${accountId}`);
      const found = body.data.find((row: Json) => row['providerCommentId'] === id);
      if (found !== undefined) return found;
      await world.call('POST', `/api/accounts/${accountId}/sync`, {
        body: { mode: 'full', streams: ['media', 'replies'] },
      });
      return null;
    });
  };
  const good = await waiting('may I?');
  expect(good).toMatchObject({ state: 'pending', can: { reply: { allowed: false, reason: 'pending' } } });
  for (const kind of ['hide', 'reply'])
    expect(await act(good['id'], kind, kind === 'reply' ? { text: 'no' } : undefined)).toMatchObject({
      status: 422,
      body: { error: { code: 'not_supported', details: { reason: 'pending' } } },
    });
  expect(await ended((await act(good['id'], 'approve')).body.id)).toMatchObject({
    state: 'done',
    repeat: false,
  });
  expect([await approvalOf(good), await stateOf(good)]).toEqual(['approved', 'visible']);
  expect((await act(good['id'], 'approve')).body).toMatchObject({ state: 'done', repeat: true });

  const bad = await waiting('buy this');
  expect(await ended((await act(bad['id'], 'ignore')).body.id)).toMatchObject({
    state: 'done',
    repeat: false,
  });
  expect(await approvalOf(bad)).toBe('ignored');
  expect(await copies()).toContainEqual(
    expect.objectContaining({ threads_id: bad['providerCommentId'], approval: 'ignored', source: 'action' }),
  );
  const plain = await answered('needs none');
  expect(await act(plain['id'], 'approve')).toMatchObject({
    status: 422,
    body: { error: { code: 'not_supported', details: { reason: 'no_approval' } } },
  });
});
