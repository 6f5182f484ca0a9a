import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/* What a round asks of a stream that is read media by media: what is due, and no more. */

let world: World;
let instagram: InstagramWorld;
let threads: ReturnType<typeof createThreadsWorld>;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
  threads = createThreadsWorld(world.sandbox.url);
});
afterAll(() => world?.close());

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);
const lines = async (account: string): Promise<Json[]> =>
  (await world.call('GET', `/api/accounts/${account}/sync`)).body.data;
const lineOf = async (account: string, stream: string): Promise<Json> => {
  const found = (await lines(account)).find((line) => line['stream'] === stream);
  if (found === undefined) throw new Error(`no line ${stream}`);
  return found;
};

const firstPass = (account: string) =>
  until('the first pass', async () => {
    const read = (await lines(account)).filter((line) => line['state'] !== 'unsupported');
    const isDone = read.every((line) => line['state'] === 'idle' && line['lastSuccessAt'] !== null);
    return isDone ? true : null;
  });

/** A round that a client asks for. @returns the calls that the stream took */
async function round(account: string, stream: string, mode: 'incremental' | 'full'): Promise<number> {
  const before = await lineOf(account, stream);
  const body = { mode, streams: [stream] };
  const { status } = await world.call('POST', `/api/accounts/${account}/sync`, { body });
  expect(status).toBe(202);
  const after = await until(`the end of a round of ${stream}`, async () => {
    const now = await lineOf(account, stream);
    return now['state'] === 'idle' && now['lastSuccessAt'] > before['lastSuccessAt'] ? now : null;
  });
  return after['callsUsed'] - before['callsUsed'];
}

async function makeDue(account: string, stream: string, subject: string): Promise<void> {
  await rows(sql`update sync_subjects set next_due_at = now()
    where oauth_account_id = ${account} and stream = ${stream} and subject_id = ${subject}`);
}

async function instagramAccount(username: string): Promise<string> {
  onTestFailed(() => world.tell());
  await world.control('POST', '/instagram/users', { name: username });
  await world.control('POST', '/instagram/pages', {
    name: `Page of ${username}`,
    user: username,
    instagram: username,
  });
  const { answer } = await world.visitConsent({ creator: username }, world.user.key, 'instagram');
  return answer.body.accounts[0].id;
}

test('numbers are asked for only of the media that are due', async () => {
  const account = 'due_numbers';
  await world.control('POST', '/instagram/accounts', { username: account });
  const young = await instagram.makeMedia({ account, createdAt: Date.now() - 4 * HOUR });
  for (let index = 0; index < 5; index += 1)
    await instagram.makeMedia({ account, createdAt: Date.now() - (100 + index) * DAY });
  await instagram.makeMedia({ account, createdAt: Date.now() - 800 * DAY });
  const id = await instagramAccount(account);
  await firstPass(id);
  await makeDue(id, 'media_insights', young['id']);
  expect(await round(id, 'media_insights', 'incremental')).toBe(1);
  expect(await round(id, 'media_insights', 'incremental')).toBe(0);
  // All of them but the one that is older than Instagram keeps numbers.
  expect(await round(id, 'media_insights', 'full')).toBe(6);
  const told = await rows(sql`
    select c.data from changes c where c.oauth_account_id = ${id} and c.kind = 'sync.completed'
      and c.data ->> 'stream' = 'media_insights' order by seq`);
  expect(told.map(({ data }) => data.count > 0)).toEqual([true, true]);
});

test('while the account publishes, due numbers are read and the backfill waits', async () => {
  const account = 'publishing';
  await world.control('POST', '/instagram/accounts', { username: account });
  const media = await instagram.makeMedia({ account, createdAt: Date.now() - 4 * HOUR });
  const id = await instagramAccount(account);
  await firstPass(id);
  await rows(sql`
    insert into posts (user_id, oauth_account_id, provider, request, plan, fingerprint, request_hash, deadline_at, state)
    select user_id, id, provider, '{}', '[]', 'f', 'h', now() + interval '1 day', 'processing'
    from oauth_accounts where id = ${id}`);
  await makeDue(id, 'media_insights', media['id']);
  expect(await round(id, 'media_insights', 'incremental')).toBe(1);
});

test('replies are asked for only below the posts that are due', async () => {
  onTestFailed(() => world.tell());
  const username = 'due_replies';
  await world.control('POST', '/threads/profiles', { username });
  const [one = ''] = await threads.makeManyMedia(6, {
    username,
    text: 'post {n}',
    createdAt: Date.now() - DAY,
  });
  const { answer } = await world.visitConsent({ creator: username }, world.user.key, 'threads');
  const id: string = answer.body.accounts[0].id;
  await firstPass(id);
  expect(await round(id, 'replies', 'incremental')).toBe(0);
  await makeDue(id, 'replies', one);
  // Nothing says that approvals are needed there.
  expect(await round(id, 'replies', 'incremental')).toBe(1);
});

test('a media that is back is asked for its numbers again', async () => {
  const account = 'back_again';
  await world.control('POST', '/instagram/accounts', { username: account });
  await instagram.makeMedia({ account, createdAt: Date.now() - 200 * DAY });
  const media = await instagram.makeMedia({ account, createdAt: Date.now() - 10 * DAY });
  const id = await instagramAccount(account);
  await firstPass(id);
  const due = async (): Promise<unknown> =>
    (
      await rows(sql`select next_due_at from sync_subjects
        where oauth_account_id = ${id} and stream = 'media_insights' and subject_id = ${media['id']}`)
    )[0]?.['next_due_at'];
  await instagram.deleteMedia(media['id']);
  await round(id, 'media', 'full');
  await makeDue(id, 'media_insights', media['id']);
  await round(id, 'media_insights', 'incremental');
  expect(await due()).toBeNull();
  await instagram.restoreMedia(media['id']);
  await round(id, 'media', 'full');
  await until('the number to be due again', async () => (await due()) ?? null);
});

test('a round in which the read of a media failed is no success, and is not complete', async () => {
  const account = 'one_fails';
  const made: Json = await world.control('POST', '/instagram/accounts', { username: account });
  for (let index = 0; index < 3; index += 1)
    await instagram.makeMedia({ account, createdAt: Date.now() - (2 + index) * HOUR });
  // Of this account: the others are read meanwhile.
  await world.fault({ endpoint: 'instagram.insights:media', account: made['id'], kind: 'status', http: 500 });
  const id = await instagramAccount(account);
  const failed = await until('the end of the round', async () => {
    const line = await lineOf(id, 'media_insights');
    // It waits for a minute after a failure.
    if (line['reason'] !== null && line['state'] !== 'idle') {
      await rows(sql`update sync_states set next_due_at = now()
        where oauth_account_id = ${id} and stream = 'media_insights' and state <> 'idle'`);
      await world.call('POST', `/api/accounts/${id}/sync`, { body: { streams: ['profile'] } });
    }
    return line['state'] === 'idle' && line['lastAttemptAt'] !== null ? line : null;
  });
  expect(failed).toMatchObject({ reason: 'reads_failed: 1', lastSuccessAt: null, backfillComplete: false });
  // What failed is put off, unless a client asks.
  await world.call('POST', `/api/accounts/${id}/sync`, { body: { streams: ['media_insights'] } });
  const whole = await until('a success', async () => {
    const line = await lineOf(id, 'media_insights');
    return line['lastSuccessAt'] === null ? null : line;
  });
  expect(whole).toMatchObject({ state: 'idle', reason: null, backfillComplete: true });
});

test('requests at the same time are one pass, and what cannot be read is joined by nobody', async () => {
  const account = 'joined';
  await world.control('POST', '/instagram/accounts', { username: account });
  const id = await instagramAccount(account);
  const ask = async (streams: string[]): Promise<boolean> => {
    const { status, body } = await world.call('POST', `/api/accounts/${id}/sync`, {
      body: { mode: 'full', streams },
    });
    expect({ status, syncId: body.syncId }).toEqual({ status: 202, syncId: `sync:${id}` });
    return body.joined;
  };
  await firstPass(id);
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(['profile', 'media'])));
  expect(answers.filter((joined) => !joined)).toHaveLength(1);
  expect(await ask(['replies'])).toBe(false);
});
