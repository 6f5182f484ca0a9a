import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* Moderation of Instagram beside a running sync: likes with their own scope, and tokens that end during an action. */

const SCOPES = [
  'instagram_basic',
  'instagram_content_publish',
  'instagram_manage_comments',
  'pages_show_list',
  'pages_read_engagement',
  'pages_manage_metadata',
];
const LIKES = 'instagram_manage_engagement';

let world: World;
let instagram: InstagramWorld;
beforeAll(async () => {
  world = await createWorld({
    env: { EVERPOST_SYNC: 'on', INSTAGRAM_SCOPES: [...SCOPES, LIKES].join(',') },
  });
  instagram = createInstagramWorld(world.sandbox.url);
});
afterAll(() => world?.close());
beforeEach(async () => {
  onTestFailed(() => world.tell());
  await world.control('DELETE', '/faults');
});

/** A comment on the media of a new creator, who grants these scopes; its copy as the API shows it. */
async function commented(creator: string, scopes: string[]): Promise<{ comment: Json; id: string }> {
  await world.control('POST', '/instagram/accounts', { username: creator });
  await world.control('POST', '/instagram/users', { name: creator });
  await world.control('POST', '/instagram/pages', { name: creator, user: creator, instagram: creator });
  const media = await instagram.makeMedia({ account: creator });
  const { id } = await instagram.comment(media.id, 'so good', { username: 'fan', event: false });
  const { answer } = await world.visitConsent({ creator, scopes }, world.user.key, 'instagram');
  const account: string = answer.body.accounts[0].id;
  const comment = await until('the copy of the comment', async () => {
    const { body } = await world.call('GET', `/api/accounts/${account}/comments`);
    return body.data[0] ?? null;
  });
  return { comment, id };
}

const act = (comment: Json, kind: string, body?: Json): Promise<Answer> =>
  world.call('POST', `/api/comments/${comment['id']}/${kind}`, {
    headers: { 'idempotency-key': randomUUID() },
    ...(body === undefined ? {} : { body }),
  });
const ended = (id: string): Promise<Json> =>
  until('the end of the action', async () => {
    const { body } = await world.call('GET', `/api/comment-actions/${id}`);
    return ['done', 'failed'].includes(body.state) ? body : null;
  });
async function commentsInSandbox(): Promise<Json[]> {
  const rows: Json = await world.control('GET', '/instagram/comments');
  return rows;
}
const inSandbox = async (id: string): Promise<Json> =>
  (await commentsInSandbox()).find((row) => row['id'] === id) ?? {};

const likeCalls = async (): Promise<number> => (await world.requests('instagram.likes')).length;

test('a comment is liked, and the like taken back; each repetition says so and costs no call', async () => {
  const { comment, id } = await commented('liker', [...SCOPES, LIKES]);
  expect(comment['can'].like).toEqual({ allowed: true, reason: null });
  for (const [kind, liked] of [
    ['like', true],
    ['unlike', false],
  ] as const) {
    const { status, body } = await act(comment, kind);
    expect({ status, body }).toMatchObject({ status: 200, body: { kind, state: 'done', repeat: false } });
    expect(await inSandbox(id)).toMatchObject({ ownLike: liked });
    const before = await likeCalls();
    expect((await act(comment, kind)).body).toMatchObject({ state: 'done', repeat: true });
    expect(await likeCalls()).toBe(before);
  }
});

test('without its own scope a like is refused before any call, and names the scope', async () => {
  const { comment, id } = await commented('no_likes', SCOPES);
  expect(comment['can']).toMatchObject({
    like: { allowed: false, reason: 'permission_missing' },
    hide: { allowed: true },
  });
  const before = await likeCalls();
  for (const kind of ['like', 'unlike'])
    expect(await act(comment, kind)).toMatchObject({
      status: 409,
      body: { error: { code: 'permission_missing', details: { scopes: [LIKES] } } },
    });
  expect(await likeCalls()).toBe(before);
  expect(await inSandbox(id)).toMatchObject({ ownLike: false });
});

test.each([
  ['hide', 'instagram.node:comment', undefined],
  ['reply', 'instagram.replies', { text: 'thank you' }],
])('a token that ends during %s is renewed, and the action is done once', async (kind, endpoint, body) => {
  const { comment, id } = await commented(`renews_${kind}`, SCOPES);
  const [all] = endpoint.split(':');
  const sends = async () =>
    (await world.requests(all)).filter(({ method }: Json) => method === 'POST').length;
  await world.fault({ endpoint, kind: 'status', http: 400, code: '190/463' });
  const before = await sends();
  const action = await ended((await act(comment, kind, body)).body.id);
  expect(action).toMatchObject({ state: 'done', error: null });
  // The refused call, and the one with the new token.
  expect(await sends()).toBe(before + 2);
  const replies = (await commentsInSandbox()).filter((row) => row['parentId'] === id);
  expect(replies.map((row) => row['id'])).toEqual(kind === 'reply' ? [action['providerRef']] : []);
  expect(await inSandbox(id)).toMatchObject({ hidden: kind === 'hide' });
});

test('a token that ends for good fails the action, and says to reconnect', async () => {
  const { comment, id } = await commented('ends', SCOPES);
  await world.control('POST', '/instagram/invalidate', { user: 'ends' });
  const action = await ended((await act(comment, 'reply', { text: 'too late' })).body.id);
  expect(action).toMatchObject({ state: 'failed', providerRef: null, error: { code: 'reauth_required' } });
  expect((await commentsInSandbox()).filter((row) => row['parentId'] === id)).toEqual([]);
});
