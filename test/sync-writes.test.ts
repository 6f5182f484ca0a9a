import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { askForStreams, ensureLines, type Line, linesOf, lockLine, resumeLines } from '../db/sync/lines.ts';
import { type Account, deactivate } from '../db/accounts.ts';
import { type Database, type Db, openDatabase } from '../db/client.ts';
import { forgetCreator } from '../db/copies.ts';
import { saveGrant } from '../db/grants.ts';
import { users } from '../db/schema.ts';
import { saveSettlement } from '../db/settlements.ts';
import { recordChanges } from '../db/sync/changes.ts';
import { applyHint } from '../db/sync/hints.ts';
import { removeCopies } from '../db/sync/removals.ts';
import { storeMedia } from '../db/sync/store-page.ts';
import { hintSubject, lockSubject, nextAfter, nextSubject } from '../db/sync/subjects.ts';
import { takeTurn } from '../db/sync/turn.ts';
import { noteCalls, noteRefusal, takeCall } from '../db/sync/usage.ts';
import { tablesOf } from '../db/registry.ts';
import { HOUR, MINUTE } from '../durations.ts';
import type { Item } from '../reading.ts';
import { cloneDatabase } from './world/database.ts';
import { until } from './world/until.ts';

/* How copies are written, on a real PostgreSQL through several pools, as from several processes. */

let pools: Database[] = [];
let db: Db;
let other: Db;
let account: Account;

beforeAll(async () => {
  const url = await cloneDatabase(`s${randomBytes(6).toString('hex')}`);
  const [first, second] = [openDatabase(url, 10), openDatabase(url, 10)];
  pools = [first, second];
  [db, other] = [first.db, second.db];
});
afterAll(() => Promise.all(pools.map((pool) => pool.close())));
beforeEach(async () => {
  account = await connected();
});

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

async function connected(openId: string = randomUUID()): Promise<Account> {
  const [user] = await db
    .insert(users)
    .values({ email: `${randomUUID()}@example.com` })
    .returning();
  const saved = await saveGrant(db, {
    userId: user?.id ?? '',
    provider: 'tiktok',
    method: null,
    openId,
    username: 'a_creator',
    displayName: 'A Creator',
    scopes: ['user.info.basic', 'video.list'],
    metadata: {},
    login: null,
    expiresAt: new Date(Date.now() + HOUR),
    refreshExpiresAt: null,
    key: { keyId: 'k1', wrapped: bytes('a wrapped key') },
    seal: async (_key, { tokenVersion }) => ({
      accessTokenEncrypted: bytes(`access ${tokenVersion}`),
      refreshTokenEncrypted: bytes(`refresh ${tokenVersion}`),
    }),
  });
  await ensureLines(db, saved, ['profile', 'media'], {});
  return saved;
}

function copies() {
  const { copies: found } = tablesOf('tiktok');
  if (found === undefined) throw new Error('no copies of TikTok');
  return found;
}
const clock = async (): Promise<string> =>
  (await db.execute<{ at: string }>(sql`select clock_timestamp()::text as at`))[0]?.at ?? '';
const video = (id: string, title: string, values: Item['values'] = {}): Item => ({
  id,
  at: new Date('2026-11-01T00:00:00Z'),
  values: { title, createTime: new Date('2026-11-01T00:00:00Z'), ...values },
  raw: {},
});
const store = (items: Item[], readAt: string, pass = 1) =>
  db.transaction(async (tx) => {
    await takeTurn(tx, account.id);
    return storeMedia(tx, { account, copies: copies(), source: 'page', readAt, pass, quiet: false }, items);
  });
const published = (post: string, providerPostId: string) =>
  saveSettlement(other, post, { state: 'published', providerPostId });
/** A post whose file is at the platform. */
async function sentPost(): Promise<string> {
  const [post] = await db.execute<{ id: string }>(sql`
    insert into posts (user_id, oauth_account_id, provider, request, plan, fingerprint, request_hash, deadline_at)
    values (${account.userId}, ${account.id}, 'tiktok', '{}', '[]', ${randomUUID()}, 'h', now()) returning id`);
  return post?.id ?? '';
}
const videos = () =>
  db.execute(
    sql`select *, like_count::text as likes from tiktok_videos where oauth_account_id = ${account.id} order by video_id`,
  );
const links = async (): Promise<unknown[]> => (await videos()).map((row) => row['post_id']);
const mediaLine = async (): Promise<Line> => {
  const line = (await linesOf(db, account.id)).find(({ stream }) => stream === 'media');
  if (line === undefined) throw new Error('no line');
  return line;
};

const TIKTOK = { name: 'reads', window: MINUTE, most: 300 } as const;
const spender = () => ({ provider: 'tiktok', openId: account.openId, accountId: account.id });
const hours = (end: Date): number => Math.round((end.getTime() - Date.now()) / HOUR);
/** Lets every wait of the account end. */
const waited = () =>
  db.execute(sql`update api_usage set refused_until = now(), window_start = window_start - interval '1 hour'
    where provider_account_id = ${account.openId}`);

test('an older read never overwrites a newer one, and neither does a webhook', async () => {
  const [older, newer] = [await clock(), await clock()];
  await store([video('1', 'newer')], newer);
  await store([video('1', 'older', { likeCount: 7 })], older);
  expect(await videos()).toMatchObject([{ title: 'newer', likes: null, source: 'page' }]);
  const hint = { stream: 'media', subject: null, item: video('1', 'webhook') } as const;
  expect(await applyHint(db, account, hint)).toBe(true);
  expect(await videos()).toMatchObject([{ title: 'newer', source: 'page' }]);
});

test('a page overwrites what a webhook wrote, though it was asked for before', async () => {
  const before = await clock();
  await applyHint(db, account, { stream: 'media', subject: null, item: video('1', 'webhook') });
  expect(await videos()).toMatchObject([{ source: 'webhook', read_at: null }]);
  await store([video('1', 'page')], before);
  expect(await videos()).toMatchObject([{ title: 'page', source: 'page' }]);
});

test('a media that an event names is news once, when the first page reads it', async () => {
  await applyHint(db, account, { stream: 'media', subject: null, item: { ...video('1', ''), values: {} } });
  expect(await db.execute(sql`select from changes where oauth_account_id = ${account.id}`)).toHaveLength(0);
  const read = { ...video('1', 'page'), metrics: { views: 3 } };
  expect((await store([read], await clock())).changes.map(({ kind }) => kind)).toEqual(['media.created']);
  expect((await store([read], await clock())).changes).toEqual([]);
});

test('a removal that was proven before a newer read is dropped', async () => {
  const before = await clock();
  await store([video('1', 'here')], await clock());
  const [row] = await videos();
  const remove = async (readAt: string) =>
    removeCopies(db, copies().media, [String(row?.['id'])], 'absent', readAt);
  expect(await remove(before)).toEqual([]);
  expect(await remove(await clock())).toHaveLength(1);
  const restored = await store([video('1', 'here')], await clock());
  expect(restored.changes).toMatchObject([{ kind: 'media.restored' }]);
});

test('a row that PostgreSQL refuses is left out and counted, and the rest is stored', async () => {
  const page = Array.from({ length: 9 }, (_, at) => video(String(at), 'fine'));
  const bad = [video('x', 'too long', { duration: 2 ** 40 }), video('y', 'no number', { width: 'wide' })];
  const stored = await store([...page.slice(0, 4), ...bad, ...page.slice(4)], await clock());
  expect(stored.refused).toBe(2);
  expect(await videos()).toHaveLength(9);
});

test('ids beyond 2^53, counts beyond 2^31 and odd texts are stored exactly', async () => {
  const id = '7412345678901234567';
  await store(
    [video(id, 'a "quoted" \\ {text}, with \u{1F600}', { likeCount: 5_000_000_000 })],
    await clock(),
  );
  expect(await videos()).toMatchObject([
    { video_id: id, title: 'a "quoted" \\ {text}, with \u{1F600}', likes: '5000000000' },
  ]);
});

test('no change appears behind one that was read, however many write at once', async () => {
  const owner = { userId: account.userId, accountId: account.id };
  const change = {
    kind: 'profile.updated',
    subjectTable: 'account_profiles',
    subjectId: randomUUID(),
  } as const;
  let writing = true;
  const seen: number[] = [];
  const reading = (async () => {
    for (let last = false; ;) {
      const rows = await db.execute<{ seq: string }>(sql`
        select seq::text from changes where user_id = ${account.userId}::uuid and seq > ${seen.at(-1) ?? 0} order by changes.seq`);
      seen.push(...rows.map(({ seq }) => Number(seq)));
      if (last) return;
      last = !writing;
    }
  })();
  await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      for (let turn = 0; turn < 10; turn += 1)
        await (at % 2 === 0 ? db : other).transaction((tx) => recordChanges(tx, owner, [change, change]));
    }),
  );
  writing = false;
  await reading;
  expect(seen).toHaveLength(240);
});

test('a page and a disconnect at the same time never wait for each other, and a later page is dropped', async () => {
  for (let round = 0; round < 5; round += 1) {
    account = await connected();
    const line = await mediaLine();
    const page = async () =>
      other.transaction(async (tx) => {
        if ((await lockLine(tx, line)) === null) return 'dropped';
        await storeMedia(
          tx,
          { account, copies: copies(), source: 'page', readAt: await clock(), pass: 1, quiet: true },
          [video('1', 'one')],
        );
        return 'stored';
      });
    const end = { status: 'disconnected', reason: 'disconnected_by_user' } as const;
    await Promise.all([page(), deactivate(db, account.id, end), page()]);
    expect(await page()).toBe('dropped');
    expect(await mediaLine()).toMatchObject({ state: 'paused', reason: 'disconnected' });
  }
});

test('the end of a reply’s post and a data deletion at the same time never wait for each other', async () => {
  const post = await sentPost();
  await db.execute(sql`
    insert into comment_actions (user_id, oauth_account_id, kind, subject, request_hash, post_id)
    values (${account.userId}, ${account.id}, 'reply', gen_random_uuid(), 'h', ${post})`);
  let forgotten: Promise<void> | undefined;
  await other.transaction(async (tx) => {
    await tx.execute(sql`select from posts where id = ${post} for no key update`);
    forgotten = forgetCreator(db, account);
    await until('the deletion to wait', async () => {
      const [row] = await db.execute<{ waits: number }>(sql`
        select count(*)::int as waits from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`);
      return row?.waits === 1 ? true : null;
    });
    await tx.execute(sql`update comment_actions set state = 'done' where post_id = ${post}`);
  });
  await forgotten;
  expect(
    await db.execute(sql`select from comment_actions where oauth_account_id = ${account.id}`),
  ).toHaveLength(0);
});

test('a copy is linked to its post at once, whichever of the two is known first', async () => {
  const [early, late, ...crossing] = await Promise.all(Array.from({ length: 12 }, sentPost));
  await store([video('10', 'a copy first')], await clock());
  await published(early ?? '', '10');
  expect(await links()).toEqual([early]);
  await published(late ?? '', '11');
  await store([video('11', 'a post first')], await clock());
  expect(await links()).toEqual([early, late]);
  // At the same time: each of the two waits for the other's commit.
  await Promise.all(
    crossing.flatMap((post, at) => [
      published(post, String(12 + at)),
      clock().then((readAt) => store([video(String(12 + at), 'both')], readAt)),
    ]),
  );
  expect(await links()).toEqual([early, late, ...crossing]);
});

test('a page of data that was deleted meanwhile is dropped, and makes no lines again', async () => {
  await store([video('1', 'one')], await clock());
  const line = await mediaLine();
  await deactivate(db, account.id, { status: 'disconnected', reason: 'data_deletion' });
  await forgetCreator(db, account);
  expect(await db.transaction((tx) => lockLine(tx, line))).toBeNull();
  await ensureLines(db, account, ['profile', 'media'], {});
  expect([...(await videos()), ...(await linesOf(db, account.id))]).toEqual([]);
});

test('a throttle without a time waits an hour, then twice as long, at most twelve; a success ends the row', async () => {
  const waits: number[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    expect(await takeCall(db, spender(), TIKTOK, false)).toMatchObject({ kind: 'granted' });
    waits.push(hours(await noteRefusal(db, spender(), TIKTOK, null)));
    expect(await takeCall(db, spender(), TIKTOK, true)).toMatchObject({ kind: 'refused' });
    await waited();
  }
  expect(waits).toEqual([1, 2, 4, 8, 12, 12]);
  await takeCall(db, spender(), TIKTOK, false);
  await noteCalls(db, spender(), TIKTOK, { more: 0, usage: null });
  expect(hours(await noteRefusal(db, spender(), TIKTOK, null))).toBe(1);
});

test('a wait that the platform named is never cut short, and doubles nothing', async () => {
  expect(hours(await noteRefusal(db, spender(), TIKTOK, 5 * HOUR))).toBe(5);
  expect(hours(await noteRefusal(db, spender(), TIKTOK, null))).toBe(5);
  await noteCalls(db, spender(), TIKTOK, { more: 0, usage: { percent: 100, regainMs: 9 * HOUR } });
  const grant = await takeCall(db, spender(), TIKTOK, true);
  expect(grant.kind === 'refused' ? hours(grant.until) : null).toBe(9);
});

test('at 60 % only hints are read, for an hour at most, or until a read tells less', async () => {
  const told = (percent: number | null) =>
    noteCalls(db, spender(), TIKTOK, { more: 0, usage: percent === null ? null : { percent } });
  await told(59);
  expect(await takeCall(db, spender(), TIKTOK, false)).toMatchObject({ kind: 'granted' });
  await told(60);
  await told(null);
  const refused = await takeCall(db, spender(), TIKTOK, false);
  expect(refused).toMatchObject({ kind: 'refused', reason: expect.stringContaining('60 %') });
  expect(refused.kind === 'refused' ? hours(refused.until) : null).toBe(1);
  expect(await takeCall(db, spender(), TIKTOK, true)).toMatchObject({ kind: 'granted' });
  const line = await mediaLine();
  const waits = sql`update sync_states set state = 'waiting_quota', reason = '60 % of the platform''s limit is used',
    next_due_at = now() + interval '1 hour' where id = ${line.id}`;
  await db.execute(waits);
  await told(12);
  expect((await mediaLine()).nextDueAt?.getTime()).toBeLessThanOrEqual(Date.now());
  expect(await takeCall(db, spender(), TIKTOK, false)).toMatchObject({ kind: 'granted' });
});

test('two tenants with one account share its calls: 300 of a minute', async () => {
  const first = spender();
  account = await connected(account.openId);
  const second = spender();
  expect(second.accountId).not.toBe(first.accountId);
  let granted = 0;
  const windows = new Set<number>();
  for (let call = 0; call < 400; call += 1) {
    const grant = await takeCall(call % 2 === 0 ? db : other, call % 2 === 0 ? first : second, TIKTOK, false);
    if (grant.kind === 'refused') break;
    windows.add(Math.floor(Date.parse(grant.readAt) / MINUTE));
    granted += 1;
  }
  expect(granted).toBeLessThanOrEqual(300 * windows.size);
  const rows = await db.execute<{ calls: number }>(
    sql`select calls_sync::int as calls from api_usage where provider_account_id = ${account.openId}`,
  );
  expect(rows.reduce((sum, { calls }) => sum + calls, 0)).toBe(granted);
  expect(granted).toBeGreaterThanOrEqual(300);
});

test('a hint that comes while its media is read asks for another read', async () => {
  const owner = { userId: account.userId, accountId: account.id };
  await hintSubject(db, owner, 'comments', '1');
  const due = await nextSubject(db, account.id, 'comments', copies(), 'hinted');
  if (due === null) throw new Error('no subject is due');
  const next = new Date(Date.now() + HOUR);
  expect(nextAfter(due.line, due.line.hintedAt, next)).toEqual({ nextDueAt: next, hintedAt: null });
  await hintSubject(db, owner, 'comments', '1');
  const now = await db.transaction((tx) => lockSubject(tx, due.line));
  if (now === null) throw new Error('the subject is gone');
  const { nextDueAt, hintedAt } = nextAfter(now, due.line.hintedAt, next);
  expect(nextDueAt?.getTime()).toBeLessThanOrEqual(Date.now());
  expect(hintedAt).not.toBeNull();
});

test('a wish reaches a stream that has failed, and does not end a wait for quota', async () => {
  const set = (state: string, progress: object) =>
    db.execute(sql`update sync_states set state = ${state}, next_due_at = now() + interval '30 minutes',
      backfill_complete = true, progress = ${JSON.stringify(progress)}::jsonb
      where oauth_account_id = ${account.id} and stream = 'media'`);
  const isDue = async () => Number((await mediaLine()).nextDueAt) <= Date.now();
  const pass = { mode: 'full', whole: true, login: '', cursors: [], seen: 1, changed: false };
  await set('running', { failures: 1, pass });
  expect(await askForStreams(db, account.id, ['media'], false)).toBe(false);
  expect(await isDue()).toBe(true);
  await set('waiting_quota', {});
  expect(await askForStreams(db, account.id, ['media'], true)).toBe(true);
  expect(await isDue()).toBe(false);
  expect(await mediaLine()).toMatchObject({ state: 'waiting_quota', progress: { full: true } });
});

test('a stream that reads a part for want of a scope is looked at again after the next consent', async () => {
  const missing = sql`update sync_states set reason = 'not granted: user.info.stats', last_attempt_at = now() - interval '1 hour',
    next_due_at = now() + interval '1 hour' where oauth_account_id = ${account.id} and stream = 'profile'`;
  await db.execute(missing);
  await resumeLines(db, account);
  const profile = (await linesOf(db, account.id)).find(({ stream }) => stream === 'profile');
  expect(profile).toMatchObject({ state: 'idle', reason: null });
  expect(Number(profile?.nextDueAt)).toBeLessThanOrEqual(Date.now());
});
