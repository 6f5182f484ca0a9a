import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { lookAgain } from '../temporal/messages.ts';
import { signalAccountChanged } from '../temporal/keepers.ts';
import { createWorld, until, type Json, type World } from './world.ts';

/* One writer keeps an account's tokens; every publish depends on it. */

let world: World;
let mediaId: string;
let creator: string;
let accountId: string;
beforeAll(async () => {
  const limits = { creator_info: 1000, 'video.init': 1000, status: 1000 };
  world = await createWorld({ tiktok: { limits, dailyPostCap: 1000 } });
  mediaId = await world.upload();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  await world.control('POST', '/tiktok/options', { rotateRefreshToken: true, omitRefreshToken: false });
  creator = `creator_${randomUUID().slice(0, 8)}`;
  accountId = await world.connect(creator);
  await world.control('DELETE', '/requests');
});

const publish = async (): Promise<string> => {
  const accepted = await world.publish({ accountId, mediaId, allowDuplicate: true });
  expect(accepted.status).toBe(202);
  return accepted.body.id;
};
const account = async (): Promise<Json> => (await world.call('GET', `/api/accounts/${accountId}`)).body;
const standing = async (): Promise<Json> =>
  (await world.call('GET', `/api/debug/accounts/${accountId}`, { key: world.secrets.adminKey })).body;
const expireAtTikTok = async (): Promise<unknown> =>
  world.control('POST', '/tiktok/expire-tokens', { openId: (await account()).openId });
const refreshes = async (): Promise<Json[]> =>
  (await world.requests('oauth.token')).filter((row) => JSON.stringify(row.body).includes('refresh_token'));

/** Gives the pair this lifetime, and no refresh token, or an expired one. */
async function leaveToItsEnd(lifetime: string, refreshToken: 'none' | 'ended'): Promise<void> {
  await world.database.db.execute(sql`
    update oauth_accounts set issued_at = now() - interval '50 days', expires_at = now() + ${lifetime}::interval,
      refresh_token_encrypted = case when ${refreshToken} = 'ended' then refresh_token_encrypted end,
      refresh_expires_at = case when ${refreshToken} = 'ended' then now() - interval '1 day' end
    where id = ${accountId}`);
  await tellKeeper();
}
const tellKeeper = (): Promise<void> =>
  signalAccountChanged(world.temporal, { id: accountId, userId: world.user.id, provider: 'tiktok' });
const warnings = async (): Promise<Json[]> =>
  world.database.db.execute(
    sql`select details from audit_log where action = 'account.expiring' and subject = ${accountId}`,
  );
/** Waits until the keeper has finished its work. */
const keeperRests = (): Promise<unknown> =>
  until('the keeper to wait', async () => {
    const handle = world.temporal.workflow.getHandle(`token:tiktok:${accountId}`);
    const { raw } = await handle.describe();
    return raw.pendingActivities?.length === 0 && raw.pendingWorkflowTask == null ? true : null;
  });

describe.each([
  { refreshToken: 'none', ended: 'token_expired' },
  { refreshToken: 'ended', ended: 'refresh_token_expired' },
] as const)('an account whose refresh token is $refreshToken', ({ refreshToken, ended }) => {
  test('publishes until its token expires, and only then must be reconnected', async () => {
    onTestFailed(() => world.tell());
    await leaveToItsEnd('20 seconds', refreshToken);
    await world.untilPost(await publish(), 'published');
    expect(await account()).toMatchObject({ status: 'active' });
    const out = await until('its end', async () => {
      const now = await account();
      return now.status === 'active' ? null : now;
    });
    expect(out).toMatchObject({ status: 'reauth_required', statusReason: ended, warning: null });
    expect(Date.now()).toBeGreaterThanOrEqual(new Date(out.expiresAt).getTime());
    expect(await refreshes()).toEqual([]);
  });

  test('is warned seven days before its end, once for each token pair', async () => {
    onTestFailed(() => world.tell());
    await leaveToItsEnd('7 days 5 seconds', refreshToken);
    expect((await account()).warning).toBeNull();
    const { warning, expiresAt, status } = await until('the warning', async () => {
      const now = await account();
      return now.warning === null ? null : now;
    });
    expect(status).toBe('active');
    expect(warning).toEqual({
      code: 'account_expiring',
      since: expect.any(String),
      until: expiresAt,
      userMessage: expect.stringContaining(expiresAt.slice(0, 10)),
    });
    await tellKeeper();
    await keeperRests();
    expect(await warnings()).toEqual([{ details: { endsAt: expiresAt } }]);
    await world.connect(creator);
    expect(await account()).toMatchObject({ status: 'active', warning: null });
    await leaveToItsEnd('6 days', refreshToken);
    await until('the next warning', async () => ((await warnings()).length === 2 ? true : null));
  });

  test('must be reconnected once its token is refused', async () => {
    onTestFailed(() => world.tell());
    await leaveToItsEnd('30 days', refreshToken);
    await expireAtTikTok();
    const id = await publish();
    await world.untilPost(id, 'waiting_account');
    expect(await account()).toMatchObject({
      status: 'reauth_required',
      statusReason: refreshToken === 'none' ? 'token_refused' : 'refresh_token_expired',
    });
    await world.connect(creator);
    await world.untilPost(id, 'published');
  });
});

test('a refused token is refreshed, the post is published, and the next refresh uses the new pair', async () => {
  onTestFailed(() => world.tell());
  for (const version of [2, 3]) {
    await expireAtTikTok();
    await world.untilPost(await publish(), 'published');
    expect(await standing()).toMatchObject({ tokenVersion: version });
  }
  expect(await refreshes()).toHaveLength(2);
});

test('without a refresh token in the answer the old one stays', async () => {
  onTestFailed(() => world.tell());
  await world.control('POST', '/tiktok/options', { rotateRefreshToken: false, omitRefreshToken: true });
  for (let round = 0; round < 2; round += 1) {
    await expireAtTikTok();
    await world.untilPost(await publish(), 'published');
  }
  expect((await refreshes()).map((row) => row.status)).toEqual([200, 200]);
});

test('a token is refreshed before it expires, without any publish', async () => {
  onTestFailed(() => world.tell());
  const row = await standing();
  expect(new Date(row.refreshDueAt).getTime()).toBeLessThan(new Date((await account()).expiresAt).getTime());
  await world.database.db.execute(sql`
    update oauth_accounts set issued_at = now() - interval '2 hours', expires_at = now() + interval '1 minute' where id = ${accountId}`);
  await signalAccountChanged(world.temporal, { id: accountId, userId: world.user.id, provider: 'tiktok' });
  await until('the refresh', async () => ((await standing()).tokenVersion === 2 ? true : null));
  expect(await refreshes()).toHaveLength(1);
});

test('network and server errors are retried, and cost nothing', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'oauth.token:refresh_token', kind: 'drop-before' });
  await world.fault({ endpoint: 'oauth.token:refresh_token', kind: 'status', http: 503, after: 1 });
  await expireAtTikTok();
  await world.untilPost(await publish(), 'published');
  expect(await account()).toMatchObject({ status: 'active' });
});

test('a refresh whose answer is lost makes the account reauth_required, and its posts wait until it is reconnected', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'oauth.token:refresh_token', kind: 'accept-then-drop' });
  await expireAtTikTok();
  const id = await publish();
  await world.untilPost(id, 'waiting_account');
  expect(await account()).toMatchObject({ status: 'reauth_required', statusReason: 'refresh_token_refused' });
  expect(await world.connect(creator)).toBe(accountId);
  await world.untilPost(id, 'published');
});

test('a creator who returns while a post is reading the account wakes it all the same', async () => {
  onTestFailed(() => world.tell());
  await world.fault({ endpoint: 'oauth.token:refresh_token', kind: 'accept-then-drop' });
  await expireAtTikTok();
  const id = await publish();
  await world.untilPost(id, 'waiting_account');
  const handle = world.temporal.workflow.getHandle(`post:${id}`);
  await world.database.db.transaction(async (tx) => {
    // It has read the account, and is blocked where it records its wait.
    await tx.execute(sql`select from posts where id = ${id} for update`);
    await handle.signal(lookAgain);
    await until('the post to be held up', async () => {
      const held: Json[] = await tx.execute(
        sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return held.length > 0 ? true : null;
    });
    await world.connect(creator);
    await until('the wake-up', async () => {
      const { events } = await handle.fetchHistory();
      const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes != null);
      return signals?.length === 2 ? true : null;
    });
  });
  expect(await world.untilPost(id, 'published')).toMatchObject({ publishId: expect.any(String) });
});

test(
  'a hundred publishes with one expired token are one refresh, and a hundred posts',
  { timeout: 400_000 },
  async () => {
    onTestFailed(() => world.tell());
    await expireAtTikTok();
    await world.database.db.execute(
      sql`update oauth_accounts set expires_at = now() where id = ${accountId}`,
    );
    const ids = await Promise.all(Array.from({ length: 100 }, publish));
    const states = async (): Promise<Json[]> =>
      world.database.db.execute(
        sql`select id, state from posts where oauth_account_id = ${accountId} and state <> 'published'`,
      );
    await until('the refresh', async () => ((await standing()).tokenVersion === 2 ? true : null));
    // Six inits a minute: lets the minutes pass in the ledger and in the waiting workflows.
    const passMinute = async (): Promise<true | null> => {
      const open = await states();
      await world.database.db.execute(
        sql`update quota_reservations set at = at - interval '1 minute' where oauth_account_id = ${accountId}`,
      );
      for (const { id, state } of open)
        if (state === 'waiting_quota') await world.skipTime(`post:${id}`).catch(() => {});
      return open.length === 0 ? true : null;
    };
    await until('all to be published', passMinute, 300_000);
    expect(await refreshes()).toHaveLength(1);
    const { openId } = await account();
    expect((await world.publishes()).filter((row) => row.openId === openId && row.live)).toHaveLength(
      ids.length,
    );
  },
);

test('an account whose token renews itself is warned if its provider renews nothing in the last days', async () => {
  onTestFailed(() => world.tell());
  const { answer } = await world.visitConsent({}, world.user.key, 'threads');
  const { id } = answer.body.accounts[0];
  const threads = async (): Promise<Json> => (await world.call('GET', `/api/accounts/${id}`)).body;
  await world.fault({ endpoint: 'threads.refresh', kind: 'status', http: 503 });
  await world.database.db.execute(sql`
    update oauth_accounts set issued_at = now() - interval '54 days', expires_at = now() + interval '6 days',
      refresh_expires_at = now() + interval '6 days' where id = ${id}`);
  await signalAccountChanged(world.temporal, { id, userId: world.user.id, provider: 'threads' });
  const { warning, expiresAt } = await until('the warning', async () => {
    const now = await threads();
    return now.warning === null ? null : now;
  });
  expect(warning).toMatchObject({ code: 'account_expiring', until: expiresAt });
  await world.control('DELETE', '/faults');
  // Threads renews a token after a day (threads-facts 2.6).
  await world.control('POST', '/clock', { advanceMs: 2 * 86_400_000 });
  await until('the refresh', async () => ((await threads()).warning === null ? true : null), 180_000);
  expect(Date.parse((await threads()).expiresAt)).toBeGreaterThan(Date.parse(expiresAt));
});
