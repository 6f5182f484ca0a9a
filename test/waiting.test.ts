import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* A post says why it waits and what to do, and an error says whose fault it is. */

let world: World;
let tiktok: string;
let threads: string;
let instagram: string;
let mediaId: string;
beforeAll(async () => {
  world = await createWorld();
  mediaId = await world.upload();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  tiktok = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
  threads = await connect('threads');
  instagram = await connect('instagram');
});

async function connect(provider: string): Promise<string> {
  const { answer } = await world.visitConsent({}, world.user.key, provider);
  return answer.body.accounts[0].id;
}

const publish = (provider: string, body: object): Promise<Answer> =>
  world.call('POST', `/api/${provider}/publish`, { body });
const publishText = (text = randomUUID(), more: object = {}): Promise<Answer> =>
  publish('threads', { accountId: threads, mediaType: 'TEXT', postInfo: { text }, ...more });

/** A refusal of Meta, with a message in the user's own language. */
const refuse = (endpoint: string, error: object, http = 400): Promise<unknown> =>
  world.fault({
    endpoint,
    kind: 'status',
    http,
    times: 0,
    body: JSON.stringify({ error: { message: 'for developers', type: 'OAuthException', ...error } }),
  });

/** Waits until a post says that it waits for this, the same in every view. */
async function untilWaiting(id: string, reason: string): Promise<Json> {
  const post = await until(`the post to wait for ${reason}`, async () => {
    const now = await world.getPost(id);
    return now.waiting?.reason === reason ? now : null;
  });
  const { body: list } = await world.call('GET', '/api/posts');
  expect(list.data.find((row: Json) => row.id === id).waiting).toMatchObject({ reason });
  const events = await fetch(`${world.url}/api/posts/${id}/events`, {
    headers: { authorization: `Bearer ${world.user.key}` },
  });
  const reader = events.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  await reader?.cancel();
  expect(Buffer.from(value ?? []).toString()).toContain(`"waiting":{"reason":"${reason}"`);
  return post;
}

describe('a post that waits', () => {
  test('for its account names what to grant, in our words and the platform’s', async () => {
    onTestFailed(() => world.tell());
    await refuse('threads.container', {
      code: 10,
      error_user_title: 'Keine Berechtigung',
      error_user_msg: 'Diese App\u0007 darf\nhier nicht posten.',
    });
    const { body } = await publishText();
    const post = await untilWaiting(body.id, 'account');
    expect(post).toMatchObject({ state: 'waiting_account', error: null });
    expect(post.waiting).toEqual({
      reason: 'account',
      quota: null,
      until: null,
      userMessage: expect.stringMatching(
        /Reconnect.*Keine Berechtigung: Diese App darf hier nicht posten\..*threads_content_publish/,
      ),
    });
    await world.call('POST', `/api/posts/${body.id}/cancel`);
    expect(await world.getPost(body.id)).toMatchObject({ state: 'cancelled', waiting: null });
  });

  test('for one TikTok permission names that one', async () => {
    onTestFailed(() => world.tell());
    const error = { endpoint: 'inbox.init', kind: 'status', http: 401, code: 'scope_not_authorized' };
    await world.fault(error);
    const { body } = await world.publish({ accountId: tiktok, mediaId, mode: 'inbox' });
    const { waiting } = await untilWaiting(body.id, 'account');
    expect(waiting.userMessage).toContain('video.upload');
    expect(waiting.userMessage).not.toContain('video.publish');
  });

  test('for its creator to return says so, and is published then', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/threads/revoke', {});
    const { body } = await publishText();
    const { waiting } = await untilWaiting(body.id, 'account');
    expect(waiting).toMatchObject({ until: null, userMessage: expect.stringContaining('Connect') });
    await connect('threads');
    expect(await world.untilPost(body.id, 'published')).toMatchObject({ waiting: null, error: null });
  });

  test('for its account fails at its deadline, not at a later check', async () => {
    onTestFailed(() => world.tell());
    await refuse('threads.container', { code: 10 });
    const deadline = new Date(Date.now() + 20_000).toISOString();
    const { body } = await publishText(randomUUID(), { deadline });
    const { next } = await untilWaiting(body.id, 'account');
    expect(Date.parse(next.at)).toBeLessThanOrEqual(Date.parse(deadline) + 1000);
    const { error } = await world.untilPost(body.id, 'failed');
    expect(error).toMatchObject({ code: 'deadline', details: { deadlineAt: deadline } });
  });

  test('for a quota learned from a refusal says which, until when, and what helps', async () => {
    onTestFailed(() => world.tell());
    await world.fault({
      endpoint: 'inbox.init',
      kind: 'status',
      http: 403,
      code: 'spam_risk_too_many_pending_share',
    });
    const { body } = await world.publish({ accountId: tiktok, mediaId, mode: 'inbox' });
    const post = await untilWaiting(body.id, 'quota');
    expect(post).toMatchObject({ state: 'waiting_quota', error: null });
    expect(post.waiting).toMatchObject({
      quota: 'pending_share',
      userMessage: expect.stringContaining('Finish or delete some'),
    });
    expect(Date.parse(post.waiting.until)).toBeGreaterThan(Date.now() + 600_000);
  });

  test('for a quota that Meta refused also has the platform’s words', async () => {
    onTestFailed(() => world.tell());
    await refuse('threads.container', {
      code: 4,
      error_user_title: 'Zu viele Aufrufe',
      error_user_msg: 'Versuche es später noch einmal.',
    });
    const { body } = await publishText();
    const { waiting } = await untilWaiting(body.id, 'quota');
    expect(waiting.userMessage).toMatch(/later.*Zu viele Aufrufe: Versuche es später noch einmal\./);
    expect(Date.parse(waiting.until)).toBeGreaterThan(Date.now());
    // The other tests do not wait for that hour.
    await world.database.db.execute(
      sql`update oauth_accounts set calls_refused_until = now() where id = ${threads}`,
    );
  });

  test('until it is due says when', async () => {
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    const { body } = await publishText(randomUUID(), { scheduledAt });
    expect(body.waiting).toEqual({
      reason: 'schedule',
      quota: null,
      until: scheduledAt,
      userMessage: expect.stringContaining('scheduled'),
    });
  });

  test('for a platform that does not answer says so, before and after it has been sent', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'threads.container', kind: 'drop-before', times: 0 });
    const { body } = await publishText();
    await untilWaiting(body.id, 'provider');
    await world.control('DELETE', '/faults');
    expect(await world.untilPost(body.id, 'published')).toMatchObject({ waiting: null });
  });
});

describe('a post that fails', () => {
  test('has the platform’s own message, cleaned and bounded', async () => {
    onTestFailed(() => world.tell());
    await refuse('instagram.container', {
      code: 100,
      error_subcode: 2207999,
      error_user_title: 'ಪೋಸ್ಟ್',
      error_user_msg: `Too\u0000 long, see https://example.com/a?access_token=secret ${'x'.repeat(5000)}`,
    });
    const { body } = await publish('instagram', { accountId: instagram, mediaType: 'REELS', mediaId });
    const { error } = await world.untilPost(body.id, 'failed');
    const said = error.details.providerUserMessage;
    expect(said).toMatch(/^ಪೋಸ್ಟ್: Too long, see https:\/\/example\.com\/a x+…$/);
    expect(said.length).toBeLessThanOrEqual(500);
    expect(error.userMessage).toContain(said);
  });

  test('for a text that Threads finds too long says that, whatever Threads counts', async () => {
    onTestFailed(() => world.tell());
    const message = '(#100) Param text must be at most 500 characters long.';
    await refuse('threads.container', { message, type: 'THApiException', code: 100 }, 500);
    const { body } = await publishText();
    const { error } = await world.untilPost(body.id, 'failed');
    expect(error).toMatchObject({ code: 'text_too_long', userMessage: expect.stringContaining('Shorten') });
  });
});

describe('a request', () => {
  test.each([
    ['a text that is too long', 'threads', { mediaType: 'TEXT', postInfo: { text: 'x'.repeat(501) } }],
    ['an empty text', 'threads', { mediaType: 'TEXT', postInfo: {} }],
    [
      'an option of a poll',
      'threads',
      { mediaType: 'TEXT', postInfo: { text: 't', poll_attachment: { option_a: '', option_b: 'b' } } },
    ],
    [
      'a caption',
      'instagram',
      { mediaType: 'IMAGE', imageUrl: 'https://x.example/a.jpg', postInfo: { caption: 'x'.repeat(2201) } },
    ],
    ['an address', 'instagram', { mediaType: 'IMAGE', imageUrl: 'no address' }],
    [
      'too few items',
      'instagram',
      { mediaType: 'CAROUSEL', children: [{ imageUrl: 'https://x.example/a.jpg' }] },
    ],
  ])('with wrong content (%s) blames no app, and says what to change', async (_what, provider, more) => {
    const accountId = provider === 'threads' ? threads : instagram;
    const { status, body } = await publish(provider, { accountId, ...more });
    expect(status).toBe(400);
    expect(body.error.userMessage).not.toContain('Something is wrong with this app');
    expect(body.error.details.fields[0].userMessage).toBe(body.error.userMessage);
  });

  test('that only a program can have got wrong blames the app', async () => {
    const { body } = await publish('threads', { accountId: threads, mediaType: 'TEXT', txt: 1 });
    expect(body.error.userMessage).toContain('Something is wrong with this app');
  });

  test('without a privacy level asks for one', async () => {
    const { body } = await world.publish({ accountId: tiktok, mediaId, postInfo: {} });
    expect(body.error.userMessage).toBe('Choose who may see the post.');
  });
});
