import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloneDatabase } from './world.ts';

/* The recipes of docs/sync.md: people copy them, so each runs against the newest schema. */

const RECIPES = [...readFileSync('docs/sync.md', 'utf8').matchAll(/^```sql\n(.+?)^```/gms)].map(
  ([, query = '']): [string, string] => [query.split('\n')[0] ?? '', query],
);

const find = (words: string): string => RECIPES.find(([, query]) => query.includes(words))?.[1] ?? '';

let sql: postgres.Sql;
beforeAll(async () => {
  sql = postgres(await cloneDatabase(`w${randomBytes(6).toString('hex')}`), { max: 1 });
  await sql.unsafe(SAMPLE);
});
afterAll(() => sql?.end());

/** One tenant whose account has everything that a recipe looks for. */
const SAMPLE = `
  create temp table ids as select gen_random_uuid() as u, gen_random_uuid() as a;
  set session_replication_role = replica;
  insert into users (id, email) select u, 'somebody@example.com' from ids;
  insert into oauth_accounts (id, user_id, provider, open_id, username, scope, connected_at)
    select a, u, 'threads', '1', 'nine', '{}', now() from ids;
  insert into account_profiles (user_id, oauth_account_id, followers) select u, a, 12 from ids;
  insert into account_insights (user_id, oauth_account_id, metric, period, end_time, value, day, read_at)
    select u, a, 'views', 'day', now() - d * interval '1 day', 10 + d, current_date - d, now() from ids, generate_series(1, 2) d;
  insert into threads_media (user_id, oauth_account_id, threads_id, media_type, text, timestamp, metrics_json, post_id, removed_at, removed_reason)
    select u, a, n, 'TEXT_POST', 'words', now() - interval '3 days', '{"views": 9}',
      case n when 1 then gen_random_uuid() end, case n when 5 then now() end, case n when 5 then 'absent' end
    from ids, generate_series(1, 5) n;
  insert into media_insights (user_id, oauth_account_id, subject_id, metric, taken_at, value, source)
    select u, a, '1', 'views', now() - interval '3 days' + d * interval '1 day', d, 'insights' from ids, generate_series(1, 3) d;
  insert into threads_replies (user_id, oauth_account_id, threads_id, root_id, replied_to_id, username, text, timestamp, own)
    select u, a, r.id, '1', r.parent, r.author, 'words', now() - interval '2 days', r.author = 'nine' from ids,
      (values ('11', '1', 'fan'), ('12', '1', 'other'), ('13', '12', 'nine')) r (id, parent, author);
  insert into sync_states (user_id, oauth_account_id, stream, state, reason)
    select u, a, 'media', 'waiting_quota', '61 %' from ids;
  set session_replication_role = default`;

test('docs/sync.md has recipes.', () => {
  expect(RECIPES.length).toBeGreaterThanOrEqual(7);
});

test.for(RECIPES)('The recipe "%s" runs and finds something.', async ([, query]) => {
  expect((await sql.unsafe(query)).length).toBeGreaterThan(0);
});

test('The recipes answer what they say.', async () => {
  expect((await sql.unsafe(find('answer.own'))).map(({ author }) => author)).toEqual(['fan']);
  expect((await sql.unsafe(find('48 hours'))).map(({ value }) => Number(value))).toEqual([2]);
  expect((await sql.unsafe(find('removed_reason <>'))).map(({ removed_reason }) => removed_reason)).toEqual([
    'absent',
  ]);
});
