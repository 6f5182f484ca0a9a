import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createInstagramWorld } from '../sandbox/testing/instagram.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/* Replies to comments that no list shows: these are asked for by their ids. */

let world: World;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
});
afterAll(() => world?.close());

const get = async (path: string): Promise<Json[]> => (await world.call('GET', path)).body.data;

async function readAgain(account: string, stream: string): Promise<void> {
  const line = async (): Promise<Json> =>
    (await get(`/api/accounts/${account}/sync`)).find((one) => one['stream'] === stream) ?? {};
  const before = (await line())['lastSuccessAt'];
  await world.call('POST', `/api/accounts/${account}/sync`, { body: { mode: 'full', streams: [stream] } });
  await until('the end of the round', async () => {
    const now = await line();
    return now['state'] === 'idle' && now['lastSuccessAt'] > before ? true : null;
  });
}

async function firstPass(account: string): Promise<void> {
  await until('the first pass', async () => {
    const lines = await get(`/api/accounts/${account}/sync`);
    const read = lines.filter((line) => line['state'] !== 'unsupported');
    return read.every((line) => line['state'] === 'idle' && line['lastSuccessAt'] !== null) ? true : null;
  });
}

/** How often a thing was asked for by its id. */
async function askedFor(endpoint: string, id: string): Promise<number> {
  const requests: Json[] = await world.control('GET', `/requests?endpoint=${endpoint}`);
  return requests.filter(({ path }) => String(path).includes(`/${id}?`)).length;
}

test('a reply on Threads whose parents no list shows gets its parents, each asked for once', async () => {
  onTestFailed(() => world.tell());
  const threads = createThreadsWorld(world.sandbox.url);
  const username = 'parents';
  await world.control('POST', '/threads/profiles', { username });
  const post = await threads.makeMedia({ username, text: 'the post', silent: true });
  const first = await threads.comment(post.id, 'first', { silent: true });
  const second = await threads.comment(first.id, 'second', { silent: true });
  await threads.comment(second.id, 'third', { silent: true });
  await threads.editComment(first.id, { unlisted: true });
  await threads.editComment(second.id, { unlisted: true });
  const { answer } = await world.visitConsent({ creator: username }, world.user.key, 'threads');
  const account: string = answer.body.accounts[0].id;
  await firstPass(account);
  const thread = async (): Promise<Map<string, string | null>> => {
    const rows = await get(`/api/accounts/${account}/comments`);
    const byId = new Map(rows.map((row) => [row['id'], row['text']]));
    return new Map(rows.map((row) => [row['text'], byId.get(row['parentId']) ?? null]));
  };
  const shown = [
    ['first', null],
    ['second', 'first'],
    ['third', 'second'],
  ] as const;
  expect(await thread()).toEqual(new Map(shown));
  await readAgain(account, 'replies');
  expect(await askedFor('threads.node', first.id)).toBe(1);
  expect(await askedFor('threads.node', second.id)).toBe(1);

  // One that the platform does not tell by its id either is given up.
  const hidden = await threads.comment(post.id, 'hidden', { silent: true });
  await threads.comment(hidden.id, 'below the hidden one', { silent: true });
  await threads.editComment(hidden.id, { unlisted: true, flaky: 99 });
  for (let read = 0; read < 5; read += 1) await readAgain(account, 'replies');
  expect(await askedFor('threads.node', hidden.id)).toBe(3);
  expect(await thread()).toEqual(new Map([...shown, ['below the hidden one', null]]));
});

test('a reply on Instagram that an event tells gets its parent, which the list withholds', async () => {
  onTestFailed(() => world.tell());
  const instagram = createInstagramWorld(world.sandbox.url);
  const account = 'withheld_parent';
  await world.control('POST', '/instagram/options', { withheldById: 'there' });
  await world.control('POST', '/instagram/accounts', { username: account });
  await world.control('POST', '/instagram/users', { name: account });
  await world.control('POST', '/instagram/pages', { name: account, user: account, instagram: account });
  const media = await instagram.makeMedia({ account });
  const { answer } = await world.visitConsent({ creator: account }, world.user.key, 'instagram');
  const id: string = answer.body.accounts[0].id;
  await firstPass(id);
  const parent = await instagram.comment(media.id, 'withheld', { username: 'rude', event: false });
  await world.control('POST', '/instagram/restrict', { account, username: 'rude' });
  const reply = await instagram.comment(media.id, 'answer', { username: 'fan', parentId: parent.id });
  const whole = await until('the reply with its parent', async () => {
    const rows = await get(`/api/accounts/${id}/comments`);
    const found = rows.find(({ providerCommentId }) => providerCommentId === reply.id);
    return found?.['parentId'] == null ? null : { reply: found, rows };
  });
  const above = whole.rows.find((row) => row['id'] === whole.reply['parentId']);
  expect(above).toMatchObject({ providerCommentId: parent.id, text: 'withheld', author: 'rude' });
  const [copy] = await world.database.db.execute<Json>(
    sql`select source from ig_comments where ig_id = ${parent.id}`,
  );
  expect(copy).toEqual({ source: 'page' });
});
