import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Json, type World } from './world.ts';

/* A missing token keeper is noticed before its refresh is due: Meta renews no expired token. */

let world: World;
beforeAll(async () => {
  world = await createWorld();
  // Tests run the sweep themselves.
  await world.temporal.schedule.getHandle('sweep').pause();
});
afterAll(() => world?.close());

const keeper = (provider: string, id: string) => world.temporal.workflow.getHandle(`token:${provider}:${id}`);
const runs = async (provider: string, id: string): Promise<boolean> =>
  (await keeper(provider, id).describe()).status.name === 'RUNNING';
const account = async (id: string): Promise<Json> => (await world.call('GET', `/api/accounts/${id}`)).body;

async function connect(provider: string): Promise<string> {
  const { answer } = await world.visitConsent({}, world.user.key, provider);
  const { id } = answer.body.accounts[0];
  await until('its keeper', async () => ((await runs(provider, id).catch(() => false)) ? true : null));
  return id;
}

/** Like a click on Terminate, or a new namespace. */
async function lose(provider: string, id: string): Promise<void> {
  await keeper(provider, id).terminate('lost');
  // Visibility lags a moment behind.
  await until('it to be gone', async () => {
    const { count } = await world.temporal.workflow.count(
      `ExecutionStatus = 'Running' and WorkflowId = 'token:${provider}:${id}'`,
    );
    return count === 0 ? true : null;
  });
}

test('a terminated keeper is back after a sweep, and the account is unchanged', async () => {
  onTestFailed(() => world.tell());
  const accounts = [
    ['tiktok', await connect('tiktok')],
    ['threads', await connect('threads')],
  ] as const;
  const before = await Promise.all(accounts.map(([, id]) => account(id)));
  for (const [provider, id] of accounts) await lose(provider, id);
  expect(await world.sweep()).toMatchObject({ keepers: 2 });
  for (const [provider, id] of accounts) expect(await runs(provider, id)).toBe(true);
  expect(await world.sweep()).toMatchObject({ keepers: 0 });
  expect(await Promise.all(accounts.map(([, id]) => account(id)))).toEqual(before);
});

test('a keeper whose refresh came due in its absence refreshes days before a self-renewing token expires', async () => {
  onTestFailed(() => world.tell());
  const id = await connect('threads');
  await lose('threads', id);
  // Threads renews a token after a day (threads-facts 2.6).
  await world.control('POST', '/clock', { advanceMs: 2 * 86_400_000 });
  await world.database.db.execute(sql`
    update oauth_accounts set issued_at = now() - interval '50 days', expires_at = now() + interval '9 days',
      refresh_expires_at = now() + interval '9 days', keeper_checked_at = now()
    where id = ${id}`);
  expect(await world.sweep()).toMatchObject({ keepers: 1 });
  const days = await until('the refresh', async () => {
    const { expiresAt } = await account(id);
    const left = (Date.parse(expiresAt) - Date.now()) / 86_400_000;
    return left > 10 ? left : null;
  });
  expect(days).toBeGreaterThan(50);
});

test('an account with a permanent token gets its keeper back, which revokes access on disconnect', async () => {
  onTestFailed(() => world.tell());
  const id = await connect('instagram');
  await world.database.db.execute(sql`
    update oauth_accounts set expires_at = null, refresh_expires_at = null, refresh_token_encrypted = null where id = ${id}`);
  await lose('instagram', id);
  expect(await world.sweep()).toMatchObject({ keepers: 1 });
  expect(await runs('instagram', id)).toBe(true);
});

test('among many accounts, first come those whose refresh is due, then those with the oldest check', async () => {
  onTestFailed(() => world.tell());
  const late = await connect('tiktok');
  const due = await connect('threads');
  await world.database.db.execute(sql`
    insert into oauth_accounts (user_id, provider, open_id, scope, connected_at, issued_at, expires_at)
    select ${world.user.id}, 'threads', ${randomUUID()} || n, '{}', now(), now(), now() + interval '60 days'
    from generate_series(1, 250) n`);
  await world.database.db.execute(sql`
    update oauth_accounts set keeper_checked_at = case when id = ${late} then now() else now() - interval '1 hour' end
    where status = 'active'`);
  await world.database.db.execute(sql`
    update oauth_accounts set keeper_checked_at = now(), issued_at = now() - interval '50 days',
      expires_at = now() + interval '9 days', refresh_expires_at = now() + interval '9 days' where id = ${due}`);
  await lose('tiktok', late);
  await lose('threads', due);
  await world.sweep();
  expect(await runs('threads', due)).toBe(true);
  expect(await runs('tiktok', late)).toBe(false);
  await world.sweep();
  expect(await runs('tiktok', late)).toBe(true);
});
