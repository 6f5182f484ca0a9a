import { readFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createInstagramWorld } from '../sandbox/testing/instagram.ts';
import { createThreadsWorld } from '../sandbox/testing/threads.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/* What Meta's people write, their names, addresses of media and tokens: in the copies, and nowhere else. */

const CAPTION = 'a caption that belongs to its creator';
const COMMENT = 'a comment that belongs to a fan';
const FAN = 'the_name_of_a_fan';
const BIOGRAPHY = 'a life in one line';
const DAY = 86_400_000;

let world: World;
beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
});
afterAll(() => world?.close());

const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => world.database.db.execute<Json>(query);

async function onInstagram(username: string): Promise<void> {
  const instagram = createInstagramWorld(world.sandbox.url);
  await world.control('POST', '/instagram/accounts', {
    username,
    biography: BIOGRAPHY,
  });
  await world.control('POST', '/instagram/users', { name: username });
  await world.control('POST', '/instagram/pages', {
    name: username,
    user: username,
    instagram: username,
  });
  const { id } = await instagram.makeMedia({
    account: username,
    caption: CAPTION,
    createdAt: Date.now() - DAY,
  });
  await instagram.comment(id, COMMENT, { username: FAN, event: false });
}

async function onThreads(username: string): Promise<void> {
  await world.control('POST', '/threads/profiles', {
    username,
    biography: BIOGRAPHY,
  });
  const threads = createThreadsWorld(world.sandbox.url);
  const { id } = await threads.makeMedia({
    username,
    text: CAPTION,
    createdAt: Date.now() - DAY,
  });
  await threads.comment(id, COMMENT, { username: FAN });
}

const WAYS = [
  {
    name: 'Instagram with Facebook Login',
    provider: 'instagram',
    method: 'facebook_login',
    list: 'instagram.media',
    make: onInstagram,
  },
  {
    name: 'Instagram Login',
    provider: 'instagram',
    method: 'instagram_login',
    list: 'instagram.media',
    make: onInstagram,
  },
  {
    name: 'Threads',
    provider: 'threads',
    method: undefined,
    list: 'threads.posts',
    make: onThreads,
  },
] as const;

/** The tokens of all calls that the sandbox has seen. */
async function tokens(): Promise<string[]> {
  const told = (await world.requests()).flatMap(({ path, headers }) => [
    new URL(path, 'http://localhost').searchParams.get('access_token') ?? '',
    String(headers?.authorization ?? '').replace(/^(Bearer|OAuth) /, ''),
  ]);
  return [...new Set(told)].filter((token) => token.length > 10);
}

test.each(WAYS)('$name: texts, names, addresses and tokens are in the copies only', async (way) => {
  onTestFailed(() => world.tell());
  const username = `owner_${way.method ?? way.provider}`;
  await way.make(username);
  // An answer of the platform that quotes people fails the first read.
  await world.fault({
    endpoint: way.list,
    kind: 'status',
    http: 400,
    code: '100',
    message: `cannot read ${CAPTION}: ${COMMENT}`,
  });
  const { answer } = await world.visitConsent(
    { creator: username },
    world.user.key,
    way.provider,
    way.method,
  );
  const account: string = answer.body.accounts[0].id;
  await until('the failed read', async () => {
    const [line] = await rows(sql`select reason from sync_states
      where oauth_account_id = ${account} and stream = 'media' and reason is not null`);
    return line ?? null;
  });
  const lines = await rows(sql`select * from sync_states where oauth_account_id = ${account}`);
  await world.call('POST', `/api/accounts/${account}/sync`, {
    body: { mode: 'full' },
  });
  const copied = await until('the copies', async () => {
    const [found] = await rows(sql`
      select m.text as caption, c.text as comment, c.author, m.permalink from all_media m
        join all_comments c on c.media_id = m.id where m.account_id = ${account}`);
    return found ?? null;
  });
  expect(copied).toMatchObject({ caption: CAPTION, comment: COMMENT });
  const over = await until('the end of the round', async () => {
    const handle = world.temporal.workflow.getHandle(`sync:${account}`);
    const { status } = await handle.describe();
    return status.name === 'COMPLETED' ? historyToJSON(await handle.fetchHistory()) : null;
  });
  const payloads = [...over.matchAll(/"data": ?"([^"]+)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString(),
  );
  const logs = await Promise.all(world.logFiles.map((file) => readFile(file, 'utf8')));
  const feed = await rows(sql`select * from changes where oauth_account_id = ${account}`);
  const shown = await world.call('GET', `/api/accounts/${account}/sync`);
  const told = [over, ...payloads, ...logs, ...[feed, lines, shown.body].map((part) => JSON.stringify(part))];
  const secrets = [CAPTION, COMMENT, FAN, BIOGRAPHY, String(copied.permalink), ...(await tokens())];
  expect(secrets.length).toBeGreaterThan(5);
  for (const secret of secrets) expect(told.filter((part) => part.includes(secret))).toEqual([]);
  expect(payloads.length).toBeGreaterThan(2);
  expect(payloads.every((payload) => payload.length < 4096)).toBe(true);
});
