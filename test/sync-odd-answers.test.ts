import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstagramWorld, type InstagramWorld } from '../sandbox/testing/instagram.ts';
import { createWorld, until, type Json, type World } from './world.ts';
import { createInstagramSync } from './world/instagram.ts';

/* Answers that no platform should give: each costs its own read, and nothing else stops. */

let world: World;
let instagram: InstagramWorld;

beforeAll(async () => {
  world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  instagram = createInstagramWorld(world.sandbox.url);
});
afterAll(() => world.close());

const { rows, connected, lines, firstPass, sync, media, comments, numbers } = createInstagramSync(
  () => world,
);
const answers = (endpoint: string, account: string, body: string): Promise<unknown> =>
  world.fault({ endpoint, account, kind: 'status', http: 200, body, times: 0 });

test('a media that is twice on a page, of a kind that has no name, is one copy with numbers', async () => {
  const { account, igId } = await connected('doubled');
  await firstPass(account);
  const { id } = await instagram.makeMedia({ account: 'doubled', views: 7 });
  const row = {
    id,
    caption: 'twice',
    media_type: 'IMAGE',
    media_product_type: 'constructor',
    timestamp: '2026-11-01T00:00:00+0000',
  };
  await answers('instagram.media', igId, JSON.stringify({ data: [row, row] }));
  await sync(account, 'full', ['media']);
  await until('its numbers', async () =>
    (await numbers(account, id)).some(({ source }) => source === 'insights') ? true : null,
  );
  expect(await media(account)).toHaveLength(1);
  await world.control('DELETE', '/faults');
});

test('numbers that PostgreSQL refuses keep no others waiting, and the stream says so', async () => {
  await rows(sql`alter table media_insights add constraint not_this check (value <> 4242)`);
  const { account } = await connected('refused');
  await firstPass(account);
  const bad = await instagram.makeMedia({ account: 'refused', views: 4_242 });
  const good = await instagram.makeMedia({ account: 'refused', views: 5 });
  await sync(account, 'full', ['media']);
  const ofInsights = async (id: string): Promise<Json[]> =>
    (await numbers(account, id)).filter(({ source }) => source === 'insights');
  const reasons = new Set<unknown>();
  await until('the other numbers, and why one media has none', async () => {
    const { reason, state }: Json = (await lines(account))['media_insights'];
    if (reason !== null) reasons.add(reason);
    // After a failure it waits for a minute.
    if (reason !== null && state !== 'idle')
      await rows(
        sql`update sync_states set next_due_at = now() where oauth_account_id = ${account} and stream = 'media_insights'`,
      );
    await world.call('POST', `/api/accounts/${account}/sync`, { body: { streams: ['profile'] } });
    return reasons.size > 0 && (await ofInsights(good.id)).length > 0 ? true : null;
  });
  expect([...reasons].join()).toMatch(/unreadable_answer|reads_failed: 1/);
  expect(await ofInsights(bad.id)).toEqual([]);
});

test('comments that fill more than an answer may have are read in smaller pages', async () => {
  const { account } = await connected('talked_about', {
    prepare: async (username) => {
      const { id } = await instagram.makeMedia({ account: username });
      await instagram.makeManyComments(id, 50, { text: 'x'.repeat(90_000) });
    },
  });
  await until('all comments', async () => ((await comments(account)).length === 50 ? true : null));
  const [line] = await rows(sql`select progress ->> 'limit' as limit, state from sync_states
    where oauth_account_id = ${account} and stream = 'comments'`);
  expect(line).toMatchObject({ limit: '25' });
});

test('an account that is renamed has its new name, by which comments are its own', async () => {
  const { account } = await connected('first_name');
  await firstPass(account);
  await instagram.makeMedia({ account: 'first_name' });
  await rows(sql`update oauth_accounts set username = 'name_before' where id = ${account}`);
  await sync(account, 'full', ['profile']);
  const { body } = await world.call('GET', `/api/accounts/${account}`);
  expect(body.username).toBe('first_name');
});
