import { randomBytes, randomUUID } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { DatabaseError } from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Account, accountById, deactivate, listAccounts } from '../db/accounts.ts';
import { accountKey, replaceTokens, wipeTokens } from '../db/tokens.ts';
import { type NewGrant, saveGrant } from '../db/grants.ts';
import {
  closeAttempt,
  listAttempts,
  markSent,
  countEnds,
  newestAttempts,
  prepareAttempt,
  supersedeAttempts,
} from '../db/attempts.ts';
import { type Database, type Db, openDatabase } from '../db/client.ts';
import { listPosts, type Post, postById } from '../db/posts.ts';
import { type Accepted, acceptPost, type NewPost } from '../db/new-posts.ts';
import { savePost, saveStatus } from '../db/post-progress.ts';
import { adoptPublishId, savePublishId } from '../db/publish-ids.ts';
import { findTikTokPost } from '../db/tiktok.ts';
import { saveSettlement } from '../db/settlements.ts';
import { accountsOfLogin, isInService, loginOf } from '../db/logins.ts';
import type { QuotaRule } from '../db/quota-ledger.ts';
import { learnLimit, noteTold, quotaUse, releaseQuotas, reserveQuotas } from '../db/quotas.ts';
import {
  dataKeys,
  FINAL_STATES,
  media,
  oauthAccounts,
  posts,
  type PostState,
  publishAttempts,
  tiktokPosts,
  users,
} from '../db/schema.ts';
import { type Plan, SHOWING_WRITES, showingWrites } from '../plan.ts';

/* Exactness under concurrency, on a real PostgreSQL through several pools, as from several processes. */

let url: string;
let pools: Database[] = [];
let db: Db;

beforeAll(async () => {
  url = await cloneTemplate();
  pools = [1, 2, 3].map(() => openDatabase(url, 10));
  db = pool(0);
});
afterAll(() => Promise.all(pools.map((each) => each.close())));

function pool(index: number): Db {
  const one = pools[index % pools.length];
  if (one === undefined) throw new Error('no pool');
  return one.db;
}

async function cloneTemplate(): Promise<string> {
  const target = new URL(inject('postgresUrl'));
  const template = target.pathname.slice(1);
  const name = `db${randomBytes(6).toString('hex')}`;
  target.pathname = '/postgres';
  const admin = postgres(target.href, { max: 1, onnotice: () => {} });
  const clone = () => admin.unsafe(`create database ${name} template ${template}`);
  // PostgreSQL refuses while another file copies the template.
  for (let tries = 0; tries < 50; tries += 1) {
    const done = await clone().then(
      () => true,
      () => false,
    );
    if (done) break;
    await sleep(200);
  }
  await admin.end();
  target.pathname = `/${name}`;
  return target.href;
}

/** The database behind a socket that can be reset. */
async function behindSocket() {
  const { port, hostname } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    sockets.add(socket);
    socket.on('error', () => upstream.destroy()).pipe(upstream);
    upstream.on('error', () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const target = new URL(url);
  target.port = String(address.port);
  // A separate pool, because everything else on its connections may fail too.
  const own = openDatabase(target.href, 2);
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
    sockets.clear();
  };
  onTestFinished(async () => {
    await own.close();
    server.close();
    reset();
  });
  return { own: own.db, reset };
}

describe('a connection that ends within a transaction breaks nothing else', () => {
  test.for<[string, (tx: Db, reset: () => void) => Promise<unknown>]>([
    ['ended by the server', (tx) => tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`)],
    [
      'reset during a statement',
      async (tx, reset) => {
        const slow = tx.execute(sql`select pg_sleep(60)`);
        setTimeout(reset, 100);
        await slow;
      },
    ],
    [
      'reset between statements',
      async (tx, reset) => {
        await tx.execute(sql`select 1`);
        reset();
        await sleep(100);
        await tx.execute(sql`select 2`);
      },
    ],
  ])('%s', async ([, work]) => {
    const { own, reset } = await behindSocket();
    const worked = Promise.withResolvers<void>();
    const transaction = own.transaction((tx) => work(tx, reset).finally(worked.resolve));
    await expect(transaction).rejects.toBeInstanceOf(Error);
    await worked.promise;
    // An uncaught exception would fail the run here.
    const alive = async (): Promise<boolean | null> =>
      own.execute(sql`select 1`).then(
        () => true,
        () => null,
      );
    for (let tries = 0; tries < 20 && (await alive()) === null; tries += 1) await sleep(100);
    expect(await alive()).toBe(true);
  });
});

async function newUser(): Promise<string> {
  const [row] = await db
    .insert(users)
    .values({ email: `${randomUUID()}@example.com` })
    .returning();
  return row?.id ?? '';
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const later = (ms: number): Date => new Date(Date.now() + ms);

function grant(userId: string, changes: Partial<NewGrant> = {}): NewGrant {
  return {
    userId,
    provider: 'tiktok',
    method: null,
    openId: randomUUID(),
    username: 'a_creator',
    displayName: 'A Creator',
    scopes: ['video.publish'],
    metadata: {},
    login: null,
    expiresAt: later(7_200_000),
    refreshExpiresAt: null,
    key: { keyId: 'k1', wrapped: bytes('a wrapped key') },
    seal: async (_key, { tokenVersion }) => ({
      accessTokenEncrypted: bytes(`access ${tokenVersion}`),
      refreshTokenEncrypted: bytes(`refresh ${tokenVersion}`),
    }),
    ...changes,
  };
}

/** A tenant with an account. */
async function tenant(): Promise<{ userId: string; account: Account }> {
  const userId = await newUser();
  return { userId, account: await saveGrant(db, grant(userId)) };
}

async function newMedia(userId: string): Promise<string> {
  const [row] = await db
    .insert(media)
    .values({
      userId,
      filename: 'v.mp4',
      contentType: 'video/mp4',
      size: 10,
      storageKey: randomUUID(),
      expiresAt: later(1000),
      requestHash: 'h',
    })
    .returning();
  return row?.id ?? '';
}

function postOf(answer: Accepted) {
  if (!('post' in answer)) throw new Error(`no post: ${answer.outcome}`);
  return answer.post;
}

const newPost = (account: Account, changes: Partial<NewPost> = {}): NewPost => ({
  userId: account.userId,
  oauthAccountId: account.id,
  provider: 'tiktok',
  mediaId: null,
  totalBytes: null,
  request: { source: 'FILE_UPLOAD', mode: 'direct', postInfo: {} },
  plan: [{ kind: 'await', name: 'verdict' }],
  summary: 'Publish a video to TikTok',
  fingerprint: randomUUID(),
  idempotencyKey: null,
  requestHash: 'hash',
  requestId: null,
  onQuota: 'wait',
  scheduledAt: null,
  deadlineAt: later(3_600_000),
  clientDeadlineAt: null,
  allowDuplicate: false,
  hold: [],
  ...changes,
});

async function accepted(account: Account, changes: Partial<NewPost> = {}): Promise<Post> {
  return postOf(await acceptPost(db, newPost(account, changes)));
}

const dueWrite = (step: string, quotas: readonly QuotaRule[] = [], held = false) => ({
  step,
  tokenVersion: 1,
  quotas,
  held,
});

/** Prepares a write of a post, which must be possible. */
async function prepared(each: Db, post: Post, step: string, quotas?: readonly QuotaRule[]) {
  const answer = await prepareAttempt(each, post, dueWrite(step, quotas));
  if (answer.outcome !== 'prepared') throw new Error(`not prepared: ${answer.outcome}`);
  return answer.attempt;
}

/** The newest attempt of a post. */
const last = async ({ id }: Post) => (await listAttempts(db, id))[0];

/** Runs the same call many times at once, on all pools. */
const atOnce = <T>(times: number, act: (db: Db) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => act(pool(index))));

/** The count of each value. */
const tally = (values: readonly unknown[]): Record<string, number> =>
  Object.fromEntries(
    [...new Set(values)].map((value) => [String(value), values.filter((other) => other === value).length]),
  );

/** The SQLSTATE and the constraint of a statement that PostgreSQL must refuse. */
async function refusal(
  statement: Promise<unknown>,
): Promise<{ code: string; constraint: string | undefined }> {
  try {
    await statement;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    if (cause instanceof DatabaseError) return { code: cause.code ?? '', constraint: cause.constraint };
    throw error;
  }
  throw new Error('PostgreSQL took it');
}
const FOREIGN_KEY = '23503';
const UNIQUE = '23505';

/** The outcomes of the same request, fifty times at once. */
const outcomes = async (account: Account, changes: Partial<NewPost>) => {
  const post = newPost(account, changes);
  const answers = await atOnce(50, (each) => acceptPost(each, post));
  const rows = await db.select({ id: posts.id }).from(posts).where(eq(posts.oauthAccountId, account.id));
  return {
    outcomes: tally(answers.map(({ outcome }) => outcome)),
    ids: new Set(answers.map((answer) => postOf(answer).id)).size,
    rows: rows.length,
  };
};

describe('fifty equal requests at once', () => {
  test('create one post with one idempotency key', async () => {
    const { account } = await tenant();
    expect(await outcomes(account, { idempotencyKey: 'a-key' })).toEqual({
      outcomes: { created: 1, replayed: 49 },
      ids: 1,
      rows: 1,
    });
  });

  test('create one post with one idempotency key even if duplicates are allowed', async () => {
    const { account } = await tenant();
    expect(await outcomes(account, { idempotencyKey: 'a-key', allowDuplicate: true })).toEqual({
      outcomes: { created: 1, replayed: 49 },
      ids: 1,
      rows: 1,
    });
  });

  test('create one post without a key; the rest are its duplicates', async () => {
    const { account } = await tenant();
    expect(await outcomes(account, {})).toEqual({ outcomes: { created: 1, duplicate: 49 }, ids: 1, rows: 1 });
  });

  test('create fifty posts if duplicates are allowed', async () => {
    const { account } = await tenant();
    expect(await outcomes(account, { allowDuplicate: true })).toEqual({
      outcomes: { created: 50 },
      ids: 50,
      rows: 50,
    });
  });
});

describe('a request', () => {
  test('with the key of another request is refused', async () => {
    const { account } = await tenant();
    const first = await accepted(account, { idempotencyKey: 'k' });
    const again = newPost(account, { idempotencyKey: 'k', requestHash: 'other' });
    expect(await acceptPost(db, again)).toMatchObject({ outcome: 'key_reused', post: { id: first.id } });
  });

  test('with another tenant’s key is separate', async () => {
    const [one, other] = [await tenant(), await tenant()];
    await accepted(one.account, { idempotencyKey: 'k' });
    const answer = await acceptPost(db, newPost(other.account, { idempotencyKey: 'k' }));
    expect(answer.outcome).toBe('created');
  });

  test.each<[PostState, string]>([
    ['published', 'duplicate'],
    ['unknown', 'duplicate'],
    ['failed', 'created'],
    ['cancelled', 'created'],
  ])('like one that is %s is %s', async (state, outcome) => {
    const { account } = await tenant();
    const post = newPost(account);
    const first = postOf(await acceptPost(db, post));
    await db.update(posts).set({ state }).where(eq(posts.id, first.id));
    expect((await acceptPost(db, post)).outcome).toBe(outcome);
  });

  test('like one of yesterday is no duplicate', async () => {
    const { account } = await tenant();
    const post = newPost(account);
    const first = postOf(await acceptPost(db, post));
    await db
      .update(posts)
      .set({ createdAt: later(-24 * 3_600_000 - 1000) })
      .where(eq(posts.id, first.id));
    expect((await acceptPost(db, post)).outcome).toBe('created');
  });
});

describe('quotas', () => {
  const SIX = [{ bucket: 'init', limit: 6, windowMs: 60_000 }];

  test('are never exceeded, however many ask at once', async () => {
    const { account } = await tenant();
    const { id: postId } = await accepted(account);
    const answers = await atOnce(30, (each) => reserveQuotas(each, { accountId: account.id, postId }, SIX));
    expect(answers.filter((answer) => answer === null)).toHaveLength(6);
    const refused = answers.filter((answer) => answer !== null);
    expect(tally(refused.map(({ quota }) => quota))).toEqual({ init: 24 });
    for (const { resetAt } of refused)
      expect(Math.abs(resetAt.getTime() - Date.now() - 60_000)).toBeLessThan(30_000);
    const [use] = await quotaUse(db, account.id, SIX);
    expect(use).toMatchObject({ used: 6, remaining: 0 });
  });

  test('are taken together or not at all', async () => {
    const { account } = await tenant();
    const { id: postId } = await accepted(account);
    const one = { bucket: 'one', limit: 1, windowMs: 60_000 };
    await reserveQuotas(db, { accountId: account.id, postId }, [one]);
    const both = await reserveQuotas(db, { accountId: account.id, postId }, [...SIX, one]);
    expect(both?.quota).toBe('one');
    expect(await quotaUse(db, account.id, SIX)).toMatchObject([{ used: 0 }]);
  });

  test('belong to one account', async () => {
    const [a, b] = [await tenant(), await tenant()];
    const one = [{ bucket: 'one', limit: 1, windowMs: 60_000 }];
    for (const { account } of [a, b]) {
      const { id: postId } = await accepted(account);
      expect(await reserveQuotas(db, { accountId: account.id, postId }, one)).toBeNull();
    }
  });

  test('are free again after their window', async () => {
    const { account } = await tenant();
    const { id: postId } = await accepted(account);
    const one = [{ bucket: 'one', limit: 1, windowMs: 300 }];
    expect(await reserveQuotas(db, { accountId: account.id, postId }, one)).toBeNull();
    const full = await reserveQuotas(db, { accountId: account.id, postId }, one);
    await sleep(Math.max(0, (full?.resetAt.getTime() ?? 0) - Date.now()) + 50);
    expect(await reserveQuotas(db, { accountId: account.id, postId }, one)).toBeNull();
  });

  test('are returned one at a time, and only the post’s own', async () => {
    const { account } = await tenant();
    const [mine, other] = [await accepted(account), await accepted(account)];
    for (const postId of [mine.id, mine.id, other.id])
      await reserveQuotas(db, { accountId: account.id, postId }, SIX);
    const used = async () => (await quotaUse(db, account.id, SIX)).map((use) => use.used);
    await releaseQuotas(db, mine.id, SIX);
    expect(await used()).toEqual([2]);
    await releaseQuotas(db, mine.id, SIX);
    await releaseQuotas(db, mine.id, SIX);
    expect(await used()).toEqual([1]);
  });
});

/** Tests share the database: each uses its own app. */
const ofApp = async (app: string): Promise<Account> => {
  const { account } = await tenant();
  await db.update(oauthAccounts).set({ provider: app }).where(eq(oauthAccounts.id, account.id));
  return account;
};
const reserve = (each: Db, { id }: Account, rules: Parameters<typeof reserveQuotas>[2]) =>
  reserveQuotas(each, { accountId: id }, rules);

describe('a quota of an app', () => {
  const UNITS = { bucket: 'units', limit: 10, windowMs: 60_000, scope: 'app' };
  const insert = { ...UNITS, cost: 3 };
  test('is shared by its accounts, each use at its cost, and by no other app', async () => {
    const [one, two, other] = [await ofApp('a'), await ofApp('a'), await ofApp('b')];
    expect(await reserve(db, one, [insert])).toBeNull();
    expect(await reserve(db, two, [insert, insert])).toBeNull();
    expect(await reserve(db, one, [insert])).toMatchObject({
      quota: 'units',
      limit: 10,
      used: 9,
      remaining: 1,
    });
    expect(await reserve(db, two, [UNITS])).toBeNull();
    for (const { id } of [one, two]) expect(await quotaUse(db, id, [UNITS])).toMatchObject([{ used: 10 }]);
    expect(await quotaUse(db, other.id, [UNITS])).toMatchObject([{ used: 0, remaining: 10 }]);
  });

  test('is taken exactly, and without a deadlock, by accounts that ask for several quotas at once', async () => {
    const accounts = await Promise.all(Array.from({ length: 6 }, () => ofApp('many')));
    const calls = { ...UNITS, bucket: 'calls', limit: 100 };
    const own = { bucket: 'own', limit: 100, windowMs: 60_000 };
    const ask = (each: Db, account: Account, turn: number) =>
      reserve(each, account, turn % 2 === 0 ? [own, insert, calls] : [calls, insert, own]);
    const answers = await atOnce(accounts.length, async (each) => {
      const turns = [...accounts, ...accounts].map((account, turn) => ask(each, account, turn));
      return Promise.all(turns);
    });
    expect(answers.flat().filter((answer) => answer === null)).toHaveLength(3);
    const [account] = accounts;
    expect(await quotaUse(db, account?.id ?? '', [UNITS])).toMatchObject([{ used: 9, remaining: 1 }]);
  });

  test('is free again when as many units as a use costs have left the window', async () => {
    const account = await ofApp('window');
    for (const cost of [1, 1, 8]) await reserve(db, account, [{ ...UNITS, cost }]);
    await db.execute(sql`
      update quota_reservations set at = now() - interval '50 seconds' where app = 'window' and units = 1`);
    const full = await reserve(db, account, [insert]);
    expect(full?.askAgainAt.getTime()).toBeGreaterThan(Date.now() + 30_000);
    const one = await reserve(db, account, [UNITS]);
    expect(one?.askAgainAt.getTime()).toBeLessThan(Date.now() + 20_000);
  });

  test('is used up for all of them when one was refused', async () => {
    const [one, two] = [await ofApp('refused'), await ofApp('refused')];
    await reserve(db, one, [insert]);
    await learnLimit(db, { accountId: one.id, postId: null }, { ...UNITS, limit: null }, later(3_600_000));
    expect(await reserve(db, two, [UNITS])).toMatchObject({ quota: 'units', limit: 3, used: 3 });
  });

  test('comes back at its cost when a use of it does not count, and no other use of the post', async () => {
    const account = await ofApp('given back');
    const { id: postId } = await accepted(account);
    await reserveQuotas(db, { accountId: account.id, postId }, [insert]);
    await reserveQuotas(db, { accountId: account.id, postId }, [UNITS]);
    await releaseQuotas(db, postId, [insert]);
    expect(await quotaUse(db, account.id, [UNITS])).toMatchObject([{ used: 1 }]);
  });

  test('is asked for what uses of different cost take together', async () => {
    const account = await ofApp('together');
    const most = { ...UNITS, cost: 8 };
    expect(await reserve(db, account, [UNITS, insert, most])).toMatchObject({ quota: 'units', used: 0 });
    expect(await reserve(db, account, [UNITS, UNITS, most])).toBeNull();
  });
});

describe('quotas reserved for a post', () => {
  const TWO = [{ bucket: 'two', limit: 2, windowMs: 60_000 }];
  const used = async (account: Account) => (await quotaUse(db, account.id, TWO))[0]?.used;

  test('are never exceeded: of fifty at once two are accepted', async () => {
    const { account } = await tenant();
    const answers = await atOnce(50, (each) =>
      acceptPost(each, newPost(account, { hold: TWO, allowDuplicate: true })),
    );
    expect(tally(answers.map(({ outcome }) => outcome))).toEqual({ created: 2, quota: 48 });
    expect(await used(account)).toBe(2);
  });

  test('are reserved once for a request sent fifty times', async () => {
    const { account } = await tenant();
    const one = [{ bucket: 'two', limit: 1, windowMs: 60_000 }];
    expect(await outcomes(account, { hold: one, idempotencyKey: 'held' })).toEqual({
      outcomes: { created: 1, replayed: 49 },
      ids: 1,
      rows: 1,
    });
  });

  test('are the ones that its first write uses', async () => {
    const { account } = await tenant();
    const { id: postId } = await accepted(account, { hold: TWO });
    expect(await reserveQuotas(db, { accountId: account.id, postId, held: true }, TWO)).toBeNull();
    expect(await used(account)).toBe(1);
  });

  test('are returned if it is cancelled before that', async () => {
    const { account } = await tenant();
    const { id } = await accepted(account, { hold: TWO });
    await saveSettlement(db, id, { state: 'cancelled' });
    expect(await used(account)).toBe(0);
  });
});

describe('a login', () => {
  const PERSON = randomUUID();
  async function connected(id: string): Promise<Account> {
    const userId = await newUser();
    const login = { id, page: null };
    return saveGrant(db, grant(userId, { provider: 'instagram', openId: PERSON, login }));
  }
  const inService = (login: string | null) =>
    isInService(db, { provider: 'instagram', openId: PERSON, login });

  test('is in service as long as one of its accounts is, whoever else has connected the same account', async () => {
    const mine = await connected('login a');
    await connected('login b');
    expect(await Promise.all(['login a', 'login b', null].map(inService))).toEqual([true, true, true]);
    await deactivate(db, mine.id, { status: 'disconnected', reason: 'disconnected_by_user' });
    expect(await Promise.all(['login a', 'login b', null].map(inService))).toEqual([false, true, true]);
  });

  test('leads to its accounts at its own provider', async () => {
    const account = await connected('login c');
    expect(await loginOf(db, account)).toBe('login c');
    expect(await accountsOfLogin(db, 'instagram', 'login c')).toMatchObject([{ id: account.id }]);
    expect(await accountsOfLogin(db, 'threads', 'login c')).toEqual([]);
  });

  test('of a provider without a table for logins is refused together with its grant', async () => {
    const userId = await newUser();
    const granted = grant(userId, {
      provider: 'tiktok',
      openId: PERSON,
      login: { id: 'login d', page: null },
    });
    await expect(saveGrant(db, granted)).rejects.toThrow('tiktok names logins');
    expect(await listAccounts(db, userId, { limit: 1, cursor: null })).toEqual([]);
  });
});

describe('a quota of visible posts', () => {
  const rule = { bucket: 'publish', limit: null, windowMs: 24 * 3_600_000, counts: 'shown' };
  const plan = [
    { kind: 'write', name: 'container', lost: 'repeat' },
    { kind: 'write', name: 'publish', lost: 'reconcile', shows: true },
  ] as const;
  const told = (account: Account, used: number) =>
    noteTold(db, { accountId: account.id, postId: null }, [rule], [{ bucket: 'publish', limit: 25, used }]);
  const used = async (account: Account) => (await quotaUse(db, account.id, [rule]))[0]?.used;

  async function begun(account: Account) {
    const post = await accepted(account, { plan, hold: [rule] });
    return {
      post,
      write: async (step: string, status: 'accepted' | 'rejected'): Promise<void> => {
        const attempt = await prepared(db, post, step);
        await closeAttempt(db, attempt.id, 'prepared', { status });
      },
    };
  }

  test('adds the posts in progress to the provider’s number until the provider counts them', async () => {
    const { account } = await tenant();
    const { write } = await begun(account);
    await told(account, 24);
    expect(await used(account)).toBe(25);
    await write('container', 'accepted');
    await told(account, 24);
    expect(await used(account)).toBe(25);
    await write('publish', 'accepted');
    await told(account, 25);
    expect(await used(account)).toBe(25);
  });

  test.each(['failed', 'cancelled'] as const)(
    'does not count what has %s without being seen',
    async (state) => {
      const { account } = await tenant();
      const [unseen, seen] = [await begun(account), await begun(account)];
      await told(account, 0);
      await unseen.write('container', 'accepted');
      await seen.write('publish', 'accepted');
      expect(await used(account)).toBe(2);
      for (const { post } of [unseen, seen]) await saveSettlement(db, post.id, { state });
      expect(await used(account)).toBe(1);
    },
  );
});

test('PostgreSQL finds the same showing writes in a stored plan as plan.ts', async () => {
  const plan: Plan = [
    { kind: 'write', name: 'container', lost: 'repeat' },
    { kind: 'await', name: 'ready', soon: true },
    { kind: 'write', name: 'publish', lost: 'reconcile', shows: true },
    { kind: 'write', name: 'reply:1/"publish"', lost: 'reconcile', shows: true },
  ];
  const rows = await db.execute<{ name: string }>(
    sql`select showing #>> '{}' as name from jsonb_path_query(${JSON.stringify(plan)}::jsonb, ${SHOWING_WRITES}::jsonpath) showing`,
  );
  expect(rows.map(({ name }) => name)).toEqual(showingWrites(plan));
  expect(rows.length).toBe(2);
});

describe('a limit learned from a refusal', () => {
  const DAY_MS = 24 * 3_600_000;
  const DAILY = { bucket: 'daily', limit: null, windowMs: DAY_MS };
  const ask = async (account: Account, postId: string) =>
    reserveQuotas(db, { accountId: account.id, postId }, [DAILY]);

  test('is unknown before it', async () => {
    const { account } = await tenant();
    const { id } = await accepted(account);
    for (let round = 0; round < 3; round += 1) expect(await ask(account, id)).toBeNull();
    expect(await quotaUse(db, account.id, [DAILY])).toEqual([]);
  });

  test('is the number used at that time; others wait, and the refused one asks again', async () => {
    const { account } = await tenant();
    const [first, second] = [await accepted(account), await accepted(account)];
    for (const { id } of [first, first, second]) await ask(account, id);
    await releaseQuotas(db, second.id, [DAILY]);
    const askAgainAt = later(3_600_000);
    await learnLimit(db, { accountId: account.id, postId: second.id }, DAILY, askAgainAt);
    const [use] = await quotaUse(db, account.id, [DAILY]);
    expect(use).toMatchObject({ quota: 'daily', limit: 2, used: 2, remaining: 0 });
    expect((use?.resetAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(DAY_MS - 60_000);
    expect(await ask(account, first.id)).toMatchObject({ limit: 2, askAgainAt });
    expect(await ask(account, second.id)).toBeNull();
    // The call was accepted, so the limit is higher.
    expect(await quotaUse(db, account.id, [DAILY])).toMatchObject([{ limit: 3, used: 3 }]);
  });

  test('of nothing also holds, until others may ask, and for at most one window', async () => {
    const { account } = await tenant();
    const [refused, other] = [await accepted(account), await accepted(account)];
    const taker = { accountId: account.id, postId: refused.id };
    await learnLimit(db, taker, DAILY, later(3_600_000));
    expect(await ask(account, other.id)).toMatchObject({ limit: 0, used: 0 });
    await learnLimit(db, taker, DAILY, later(-1000));
    expect(await ask(account, other.id)).toBeNull();
    await db.execute(sql`update quota_limits set shown_at = now() - interval '25 hours'`);
    expect(await quotaUse(db, account.id, [DAILY])).toEqual([]);
  });

  test('lowers a known one', async () => {
    const { account } = await tenant();
    const { id: postId } = await accepted(account);
    const five = { bucket: 'five', limit: 5, windowMs: DAY_MS };
    await reserveQuotas(db, { accountId: account.id, postId }, [five]);
    await learnLimit(db, { accountId: account.id, postId: null }, five, later(3_600_000));
    expect(await quotaUse(db, account.id, [five])).toMatchObject([{ limit: 1, used: 1, remaining: 0 }]);
  });
});

describe('TikTok’s own record', () => {
  test('of a post repeats the request; no post of another provider has one', async () => {
    const { userId, account } = await tenant();
    const request = { source: 'PULL_FROM_URL', mode: 'inbox', postInfo: { title: 'Ours' } };
    const { id } = await accepted(account, { request });
    const columns = { source: 'PULL_FROM_URL', mode: 'inbox', title: 'Ours', status: null, publishId: null };
    expect(await findTikTokPost(db, id)).toMatchObject({ userId, ...columns });
    const other = await accepted(account, { provider: 'threads', request });
    expect(await findTikTokPost(db, other.id)).toBeNull();
  });

  test('is refused together with its post if the request is not TikTok’s', async () => {
    const { userId, account } = await tenant();
    await expect(accepted(account, { request: { mode: 'inbox' } })).rejects.toThrow('source');
    expect(await listPosts(db, userId, { limit: 1, cursor: null })).toEqual([]);
  });
});

describe('TikTok’s own status', () => {
  test('of a late poll does not replace the last one', async () => {
    const { account } = await tenant();
    const post = await accepted(account);
    const { id } = post;
    await saveStatus(db, post, 'PROCESSING_UPLOAD');
    expect(await findTikTokPost(db, id)).toMatchObject({ status: 'PROCESSING_UPLOAD' });
    await saveSettlement(db, id, { state: 'published', status: 'PUBLISH_COMPLETE' });
    await saveStatus(db, post, 'PROCESSING_UPLOAD');
    expect(await findTikTokPost(db, id)).toMatchObject({ status: 'PUBLISH_COMPLETE' });
  });
});

test('a publish id goes to no post while another one, just found in a list, may have made it', async () => {
  const { account } = await tenant();
  const lost = await accepted(account);
  const found = await accepted(account);
  const made = await prepared(db, found, 'init');
  await closeAttempt(db, made.id, 'prepared', { status: 'accepted', providerRef: 'video' });
  await savePost(db, found.id, { state: 'processing' });
  await savePost(db, lost.id, { state: 'processing', phase: 'reconciling' });
  const { provider, openId } = account;
  const told = { provider, openId, publishId: randomUUID(), providerPostId: null };
  expect(await adoptPublishId(db, told)).toBeNull();
  await supersedeAttempts(db, found.id, [made.step], 'gone');
  expect(await adoptPublishId(db, told)).toMatchObject({ id: lost.id });
});

describe('attempts', () => {
  const STEP = 'init';
  const ONE = { bucket: 'one', limit: 1, windowMs: 60_000 };
  const attempt = async (account: Account) => {
    const post = await accepted(account);
    return { post, made: await prepared(db, post, STEP) };
  };

  test('of a step are open one at a time', async () => {
    const { account } = await tenant();
    const { post, made } = await attempt(account);
    const refused = { code: UNIQUE, constraint: 'publish_attempts_one_open' };
    expect(await refusal(prepared(db, post, STEP))).toEqual(refused);
    // Two tries may hold the same attempt; only one of them sends.
    expect(await atOnce(5, (each) => markSent(each, made.id)).then((sent) => sent.filter(Boolean))).toEqual([
      true,
    ]);
    expect(await refusal(prepared(db, post, STEP))).toEqual(refused);
    // Another step is independent, and so is a closed attempt.
    await prepared(db, post, 'other');
    await closeAttempt(db, made.id, 'sent', { status: 'rejected' });
    await prepared(db, post, STEP);
  });

  test('of a step are open one at a time, even if many try', async () => {
    const { account } = await tenant();
    const post = await accepted(account);
    const tries = await atOnce(20, (each) =>
      prepared(each, post, STEP).then(
        () => 'prepared',
        () => 'refused',
      ),
    );
    expect(tally(tries)).toEqual({ prepared: 1, refused: 19 });
  });

  test('are closed once', async () => {
    const { account } = await tenant();
    const { post, made } = await attempt(account);
    await markSent(db, made.id);
    const answers = await atOnce(20, (each) => closeAttempt(each, made.id, 'sent', { status: 'accepted' }));
    expect(tally(answers)).toEqual({ true: 1, false: 19 });
    expect(await closeAttempt(db, made.id, 'sent', { status: 'unknown' })).toBe(false);
    expect(await last(post)).toMatchObject({
      status: 'accepted',
      finishedAt: expect.any(Date),
    });
  });

  test('are closed from the status that they have', async () => {
    const { account } = await tenant();
    const { post, made } = await attempt(account);
    expect(await closeAttempt(db, made.id, 'sent', { status: 'unknown' })).toBe(false);
    expect(await closeAttempt(db, made.id, 'prepared', { status: 'rejected' })).toBe(true);
    // A closed attempt cannot be sent any more.
    await markSent(db, made.id);
    expect(await last(post)).toMatchObject({ status: 'rejected', sentAt: null });
  });

  test('that are useless lose their secret', async () => {
    const { account } = await tenant();
    const { post, made } = await attempt(account);
    await markSent(db, made.id);
    const answer = { status: 'accepted', secretEncrypted: bytes('upload url'), providerRef: 'a' } as const;
    await closeAttempt(db, made.id, 'sent', answer);
    const superseded = { superseded: [made.step], times: 1 };
    expect(await supersedeAttempts(db, post.id, [made.step], 'upload_expired')).toEqual(superseded);
    expect(await listAttempts(db, post.id)).toMatchObject([
      { status: 'rejected', errorCode: 'upload_expired', secretEncrypted: null },
    ]);
  });

  test('are counted by outcome since their inputs were made', async () => {
    const { account } = await tenant();
    const post = await accepted(account);
    const end = async (step: string, errorCode: string): Promise<void> => {
      const made = await prepared(db, post, step);
      await closeAttempt(db, made.id, 'prepared', { status: 'rejected', errorCode });
    };
    const count = (uses: string[]): Promise<number> =>
      countEnds(db, post.id, { step: 'publish', errorCode: 'not there', uses });
    await end('publish', 'not there');
    await end('container', 'not there');
    for (const errorCode of ['not there', 'quota_exceeded', 'not there']) await end('publish', errorCode);
    expect([await count([]), await count(['container'])]).toEqual([3, 2]);
  });

  test('are not prepared for a post that has ended or was moved', async () => {
    const { account } = await tenant();
    const post = await accepted(account, { scheduledAt: later(60_000) });
    const changed = { outcome: 'changed' };
    const earlier = { ...post, scheduledAt: later(1000) };
    expect(await prepareAttempt(db, earlier, dueWrite(STEP, [ONE]))).toEqual(changed);
    await saveSettlement(db, post.id, { state: 'cancelled' });
    expect(await prepareAttempt(db, post, dueWrite(STEP, [ONE]))).toEqual(changed);
    expect(await quotaUse(db, account.id, [ONE])).toMatchObject([{ used: 0 }]);
  });

  test('take their quotas in the same commit, or are not prepared', async () => {
    const { account } = await tenant();
    const used = async () => (await quotaUse(db, account.id, [ONE]))[0]?.used;
    const post = await accepted(account);
    const made = await prepared(db, post, STEP, [ONE]);
    expect([await used(), (await last(post))?.id]).toEqual([1, made.id]);
    // One is open: no more are taken.
    await releaseQuotas(db, post.id, [ONE]);
    await refusal(prepared(db, post, STEP, [ONE]));
    expect(await used()).toBe(0);
    // Nothing is left: nothing is prepared.
    await prepared(db, post, 'other', [ONE]);
    const another = await accepted(account);
    const answer = await prepareAttempt(db, another, dueWrite(STEP, [ONE]));
    expect(answer).toMatchObject({ outcome: 'quota', full: { quota: ONE.bucket } });
    expect([await last(another), await postById(db, another.id)]).toMatchObject([undefined, { phase: null }]);
  });

  test('are prepared while others read and end the same post, without a deadlock', async () => {
    const { account } = await tenant();
    const many = { bucket: 'many', limit: 1_000, windowMs: 60_000 };
    for (let round = 0; round < 10; round += 1) {
      const post = await accepted(account, { hold: [many] });
      const taker = { accountId: account.id, postId: post.id };
      await Promise.all([
        ...['a', 'b', 'c'].map((step, index) =>
          prepareAttempt(pool(index), post, dueWrite(step, [many], true)),
        ),
        ...[0, 1, 2].map((index) => reserveQuotas(pool(index), taker, [many])),
        saveSettlement(pool(2), post.id, { state: 'cancelled' }),
      ]);
      expect((await postById(db, post.id)).state).toBe('cancelled');
    }
  });

  test('of each step and status the newest count, however many there are', async () => {
    const { account } = await tenant();
    const post = await accepted(account);
    const end = async (step: string, status: 'accepted' | 'rejected', errorCode: string | null = null) => {
      const { id } = await prepared(db, post, step);
      await closeAttempt(db, id, 'prepared', { status, errorCode });
      return id;
    };
    const container = await end('container', 'accepted');
    await end('publish', 'rejected', 'a');
    await end('publish', 'rejected', 'b');
    const publish = await end('publish', 'rejected', 'c');
    const open = await prepared(db, post, 'publish');
    const newest = await newestAttempts(db, post.id);
    expect(newest.map(({ id }) => id)).toEqual([open.id, publish, container]);
  });
});

describe('the end of a post', () => {
  /** Proof that the post is live overrides what we believed; nothing else changes a post that has ended. */
  const ALLOWED = new Set([
    'unknown -> published',
    'delivered -> published',
    'failed -> published',
    'cancelled -> published',
    'unknown -> delivered',
    'unknown -> failed',
  ]);
  const MOVES = FINAL_STATES.flatMap((from) =>
    FINAL_STATES.filter((to) => to !== from).map((to) => ({ from, to })),
  );

  test.each(MOVES)('$from -> $to', async ({ from, to }) => {
    const { account } = await tenant();
    const post = await accepted(account);
    expect((await saveSettlement(db, post.id, { state: from })).state).toBe(from);
    const moved = await saveSettlement(db, post.id, { state: to });
    expect(moved.state).toBe(ALLOWED.has(`${from} -> ${to}`) ? to : from);
    expect((await postById(db, post.id)).state).toBe(moved.state);
  });

  const ERROR = { code: 'spam_risk', message: 'm', userMessage: 'u', retryable: false, details: {} };

  test('is recorded once, and clears everything about waiting', async () => {
    const { account } = await tenant();
    const post = await accepted(account);
    await savePost(db, post.id, { phase: 'init', next: { step: 'init', at: later(1000) }, publishId: 'p1' });
    await savePublishId(db, post, 'p1');
    const end = await saveSettlement(db, post.id, { state: 'failed', status: 'FAILED', error: ERROR });
    expect(end).toMatchObject({
      state: 'failed',
      phase: null,
      nextStep: null,
      nextAt: null,
      publishId: 'p1',
      errorCode: 'spam_risk',
      version: 3,
    });
    expect(await findTikTokPost(db, post.id)).toMatchObject({ status: 'FAILED', publishId: 'p1' });
    expect((await saveSettlement(db, post.id, { state: 'failed', error: ERROR })).version).toBe(3);
  });

  test('that comes late leaves TikTok’s own status unchanged', async () => {
    const { account } = await tenant();
    const post = await accepted(account);
    await saveSettlement(db, post.id, { state: 'published', status: 'PUBLISH_COMPLETE' });
    await saveSettlement(db, post.id, { state: 'delivered', status: 'SEND_TO_USER_INBOX' });
    await saveSettlement(db, post.id, { state: 'failed', status: 'FAILED', error: ERROR });
    expect(await findTikTokPost(db, post.id)).toMatchObject({ status: 'PUBLISH_COMPLETE', errorCode: null });
  });

  test('that was wrong is removed with its error', async () => {
    const { account } = await tenant();
    const post = await accepted(account);
    await saveSettlement(db, post.id, { state: 'failed', error: ERROR });
    const end = await saveSettlement(db, post.id, { state: 'published', providerPostId: '1' });
    expect(end).toMatchObject({ state: 'published', providerPostId: '1', error: null, errorCode: null });
  });

  test('gets the id of the live post, once', async () => {
    const { account } = await tenant();
    const { id } = await accepted(account);
    await saveSettlement(db, id, { state: 'published', providerPostId: null });
    // The same news again changes nothing.
    await saveSettlement(db, id, { state: 'published', providerPostId: null });
    await saveSettlement(db, id, { state: 'published', providerPostId: '1', permalink: 'https://one' });
    const end = await saveSettlement(db, id, {
      state: 'published',
      providerPostId: '2',
      permalink: 'https://two',
    });
    expect(end).toMatchObject({ providerPostId: '1', permalink: 'https://one', version: 3 });
  });

  test('is recorded by one of many', async () => {
    const { account } = await tenant();
    const { id } = await accepted(account);
    const ends = await atOnce(20, (each) => saveSettlement(each, id, { state: 'delivered' }));
    expect(tally(ends.map(({ state, version }) => `${state} ${version}`))).toEqual({ 'delivered 2': 20 });
  });

  test('is not changed by late progress', async () => {
    const { account } = await tenant();
    const { id } = await accepted(account);
    await saveSettlement(db, id, { state: 'cancelled' });
    await savePost(db, id, { state: 'transferring', phase: 'upload' });
    expect(await postById(db, id)).toMatchObject({ state: 'cancelled', phase: null });
  });
});

describe('an account', () => {
  const NEXT = {
    accessTokenEncrypted: bytes('next access'),
    refreshTokenEncrypted: bytes('next refresh'),
    expiresAt: later(1000),
    refreshExpiresAt: null,
    issuedAt: new Date(),
    scopes: [],
  };

  test('gets one of many new token pairs', async () => {
    const { account } = await tenant();
    const saved = await atOnce(20, (each) => replaceTokens(each, account, NEXT));
    const won = saved.filter((row) => row !== null);
    expect(won).toMatchObject([{ tokenVersion: account.tokenVersion + 1, scope: ['video.publish'] }]);
    expect((await accountById(db, account.id))?.tokenVersion).toBe(account.tokenVersion + 1);
  });

  test('gets no token pair while it is out of service', async () => {
    const { account } = await tenant();
    await deactivate(db, account.id, { status: 'reauth_required', reason: 'test' });
    expect(await replaceTokens(db, account, NEXT)).toBeNull();
  });

  test('that is reconnected is the same, with a higher token version', async () => {
    const { userId, account } = await tenant();
    const keys: string[] = [];
    await deactivate(db, account.id, { status: 'reauth_required', reason: 'test' });
    const again = grant(userId, {
      openId: account.openId,
      username: null,
      key: { keyId: 'k2', wrapped: bytes('another key') },
    });
    const saved = await saveGrant(db, {
      ...again,
      seal: (key, place) => {
        keys.push(`${key.keyId} ${place.id} ${place.tokenVersion}`);
        return again.seal(key, place);
      },
    });
    expect(saved).toMatchObject({
      id: account.id,
      tokenVersion: 2,
      status: 'active',
      statusReason: null,
      username: 'a_creator',
      dataKeyId: account.dataKeyId,
    });
    // The existing data key is used again: the history stays readable.
    expect(keys).toEqual([`k1 ${account.id} 2`]);
    expect(saved.connectedAt.getTime()).toBeGreaterThanOrEqual(account.connectedAt.getTime());
  });

  test('whose data key cannot be opened any more gets a new one', async () => {
    const { userId, account } = await tenant();
    const again = grant(userId, {
      openId: account.openId,
      key: { keyId: 'k2', wrapped: bytes('another key') },
    });
    const saved = await saveGrant(db, {
      ...again,
      seal: async (key, place) => (key.keyId === 'k1' ? null : again.seal(key, place)),
    });
    expect(saved.id).toBe(account.id);
    expect(await accountKey(db, saved)).toMatchObject({ keyId: 'k2' });
  });

  test('keeps its data key if that cannot be opened right now', async () => {
    const { userId, account } = await tenant();
    const again = grant(userId, { openId: account.openId });
    const answers = { ...again, seal: () => Promise.reject(new Error('the key provider does not answer')) };
    await expect(saveGrant(db, answers)).rejects.toThrow('does not answer');
    const [row] = await db.select().from(oauthAccounts).where(eq(oauthAccounts.id, account.id));
    expect(row).toMatchObject({ dataKeyId: account.dataKeyId, tokenVersion: account.tokenVersion });
  });

  test('that is connected many times at once is created once', async () => {
    const userId = await newUser();
    const openId = randomUUID();
    const saved = await atOnce(10, (each) => saveGrant(each, grant(userId, { openId })));
    expect(new Set(saved.map(({ id }) => id)).size).toBe(1);
    expect(saved.map(({ tokenVersion }) => tokenVersion).toSorted((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });

  test('of one creator is separate for another tenant', async () => {
    const one = await tenant();
    const other = await saveGrant(db, grant(await newUser(), { openId: one.account.openId }));
    expect(other.id).not.toBe(one.account.id);
  });

  test.each([
    ['before the last consent', -1000, 'active'],
    ['in the second of the last consent', 0, 'reauth_required'],
    ['after the last consent', 1000, 'reauth_required'],
  ])('that was removed %s', async (_when, ms, status) => {
    const { account } = await tenant();
    const second = Math.floor(account.connectedAt.getTime() / 1000) * 1000;
    const before = new Date(second + ms);
    await deactivate(db, account.id, { status: 'reauth_required', reason: 'removed', before });
    expect((await accountById(db, account.id))?.status).toBe(status);
  });

  test('stays in service if another token was refused', async () => {
    const { account } = await tenant();
    const to = { status: 'reauth_required', reason: 'refused' } as const;
    expect(await deactivate(db, account.id, { ...to, tokenVersion: 0 })).toBeNull();
    expect(await deactivate(db, account.id, { ...to, tokenVersion: 1 })).toMatchObject({
      status: 'reauth_required',
    });
  });

  test('that is disconnected stays disconnected', async () => {
    const { account } = await tenant();
    await deactivate(db, account.id, { status: 'disconnected', reason: 'first' });
    expect(await deactivate(db, account.id, { status: 'reauth_required', reason: 'second' })).toBeNull();
    expect(await accountById(db, account.id)).toMatchObject({
      status: 'disconnected',
      statusReason: 'first',
    });
  });

  test('that is disconnected loses its tokens and its data key', async () => {
    const { account } = await tenant();
    await wipeTokens(db, account.id);
    expect(await accountById(db, account.id)).toEqual(account);

    await deactivate(db, account.id, { status: 'disconnected', reason: 'test' });
    await wipeTokens(db, account.id);
    const wiped = await accountById(db, account.id);
    expect(wiped).toMatchObject({
      accessTokenEncrypted: null,
      refreshTokenEncrypted: null,
      dataKeyId: null,
    });
    const keys = await db
      .select()
      .from(dataKeys)
      .where(eq(dataKeys.id, account.dataKeyId ?? ''));
    expect(keys).toEqual([]);
    await expect(accountKey(db, account)).rejects.toThrow('no data key');
  });
});

describe('a row of one tenant cannot refer to', () => {
  test('another tenant’s account', async () => {
    const [one, other] = [await tenant(), await tenant()];
    const post = newPost(one.account, { oauthAccountId: other.account.id });
    expect(await refusal(acceptPost(db, post))).toMatchObject({ code: FOREIGN_KEY });
  });

  test('another tenant’s media', async () => {
    const [one, other] = [await tenant(), await tenant()];
    const own = newPost(one.account, { mediaId: await newMedia(one.userId) });
    expect((await acceptPost(db, own)).outcome).toBe('created');
    const mediaId = await newMedia(other.userId);
    expect(await acceptPost(db, newPost(one.account, { mediaId }))).toEqual({ outcome: 'media_gone' });
    const stolen = db.update(posts).set({ mediaId }).where(eq(posts.userId, one.userId)).execute();
    expect(await refusal(stolen)).toMatchObject({ code: FOREIGN_KEY });
  });

  test('another tenant’s post', async () => {
    const [one, other] = [await tenant(), await tenant()];
    const { id: postId } = await accepted(other.account);
    const { userId } = one;
    expect(
      await refusal(db.insert(publishAttempts).values({ postId, userId, step: 'init' }).execute()),
    ).toMatchObject({ code: FOREIGN_KEY });
    await db.execute(sql`delete from tiktok_posts where post_id = ${postId}`);
    const detail = { postId, source: 'FILE_UPLOAD', mode: 'direct' };
    const values = (owner: string) =>
      db
        .insert(tiktokPosts)
        .values({ ...detail, userId: owner })
        .execute();
    expect(await refusal(values(userId))).toMatchObject({ code: FOREIGN_KEY });
    await expect(values(other.userId)).resolves.toBeDefined();
  });
});
