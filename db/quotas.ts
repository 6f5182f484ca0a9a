import { eq, sql } from 'drizzle-orm';
import { HOUR, MINUTE } from '../durations.ts';
import type { Db } from './client.ts';
import {
  appOf,
  type Entry,
  isOfApp,
  type QuotaRule,
  readLedger,
  takenNow,
  unitsFreeAt,
} from './quota-ledger.ts';
import { oauthAccounts, quotaLimits, quotaReservations } from './schema.ts';

/** Rules that count only visible posts. */
export const onlyShown = <Rule extends QuotaRule>(rules: readonly Rule[]): Rule[] =>
  rules.filter(({ counts }) => counts === 'shown');

export interface QuotaUse {
  quota: string;
  limit: number;
  used: number;
  remaining: number;
  /** The latest time at which one more becomes free, if the quota is used up. */
  resetAt: Date | null;
}

/** A quota that is used up. */
export interface QuotaFull extends QuotaUse {
  resetAt: Date;
  /** When to ask again: sooner than `resetAt` if a refusal has shown the limit. */
  askAgainAt: Date;
}

interface RuleUse extends QuotaUse {
  full: QuotaFull | null;
}

/** The current use of an account's quotas, except those whose limit is unknown. */
export async function quotaUse(db: Db, accountId: string, rules: readonly QuotaRule[]): Promise<QuotaUse[]> {
  return (await usesOf(db, { accountId, postId: null }, rules)).map(({ full: _full, ...use }) => use);
}

/** The account and post that quotas are taken for. */
interface Taker {
  accountId: string;
  postId: string | null;
}

/** A rule that occurs several times is taken that many times at once. */
async function usesOf(db: Db, taker: Taker, rules: readonly QuotaRule[]): Promise<RuleUse[]> {
  const named = Map.groupBy(rules, ({ bucket }) => bucket);
  const ledger = await readLedger(db, taker.accountId, rules);
  const all: RuleUse[] = [];
  for (const [bucket, [rule, ...same]] of named) {
    const entry = ledger.get(bucket);
    if (rule === undefined || entry === undefined) continue;
    const wanted = [rule, ...same].reduce((sum, each) => sum + unitsOf(each), 0);
    const one = useOf(taker, rule, wanted, entry);
    if (one !== null) all.push(wanted === 1 ? one : await untilEnough(db, taker, rule, wanted, one));
  }
  return all;
}

const unitsOf = ({ cost = 1 }: QuotaRule): number => cost;

/** Several units become free later than the first one. */
async function untilEnough(
  db: Db,
  { accountId }: Taker,
  rule: QuotaRule,
  wanted: number,
  one: RuleUse,
): Promise<RuleUse> {
  const { full } = one;
  if (full === null || full.askAgainAt !== full.resetAt) return one;
  const resetAt = await unitsFreeAt(db, accountId, rule, one.used + wanted - one.limit);
  return resetAt === null ? one : { ...one, resetAt, full: { ...full, resetAt, askAgainAt: resetAt } };
}

function useOf(
  { postId }: Taker,
  { bucket, limit, windowMs }: QuotaRule,
  wanted: number,
  { taken, oldest, shown }: Entry,
): RuleUse | null {
  // The provider also counts posts from elsewhere.
  const used = shown?.used == null ? taken : Math.max(taken, shown.used + shown.since);
  // Posts accepted since then show that the limit is higher.
  const known = shown === null ? limit : Math.min(limit ?? Infinity, Math.max(shown.limit, used));
  if (known === null) return null;
  const use = { quota: bucket, limit: known, used, remaining: Math.max(0, known - used) };
  if (use.remaining >= wanted) return { ...use, resetAt: null, full: null };
  const resetAt = new Date((oldest ?? shown?.at ?? new Date()).getTime() + windowMs);
  const certain = limit !== null && used + wanted > limit;
  if (certain || shown === null) return { ...use, resetAt, full: { ...use, resetAt, askAgainAt: resetAt } };
  // The provider also counts posts from elsewhere, and may forget earlier than we do: let the refused post ask again.
  const mayAsk = shown.askAgainAt.getTime() <= Date.now() || (postId !== null && shown.postId === postId);
  return { ...use, resetAt, full: mayAsk ? null : { ...use, resetAt, askAgainAt: shown.askAgainAt } };
}

/**
 * Finds the quota that is used up; none of these quotas changes before the transaction ends.
 * @param tx a transaction: it keeps the account's row locked, and the app's quotas if one of these belongs to the app
 */
export async function findFullQuota(
  tx: Db,
  taker: Taker,
  rules: readonly QuotaRule[],
): Promise<QuotaFull | null> {
  await tx
    .select({ id: oauthAccounts.id })
    .from(oauthAccounts)
    .where(eq(oauthAccounts.id, taker.accountId))
    .for('no key update');
  // One lock for all quotas of an app, always taken after the account's: no two transactions wait for each other.
  if (rules.some(isOfApp))
    await tx.execute(
      sql`select pg_advisory_xact_lock(hashtextextended('quotas:' || ${appOf(taker.accountId)}, 0))`,
    );
  const fulls = (await usesOf(tx, taker, rules)).map(({ full }) => full).filter((full) => full !== null);
  // The quota that becomes free last: asking earlier is useless.
  return fulls.toSorted((a, b) => b.askAgainAt.getTime() - a.askAgainAt.getTime())[0] ?? null;
}

const LEAST_WAIT_MS = 1_000;

/**
 * When the oldest call leaves the window of a rate limit that is used up, as a refusal has shown.
 * @returns null if the ledger has no such call, or the window is so long that it may contain posts from elsewhere
 */
export async function freeAt(db: Db, accountId: string, rule: QuotaRule): Promise<Date | null> {
  if (rule.windowMs >= HOUR) return null;
  const at = await unitsFreeAt(db, accountId, rule, 1);
  return at === null ? null : new Date(Math.max(Date.now() + LEAST_WAIT_MS, at.getTime()));
}

/** Takes the cost of one use from each quota, even if less is left. */
export async function takeQuotas(
  db: Db,
  { accountId, postId }: Taker,
  rules: readonly QuotaRule[],
): Promise<void> {
  if (rules.length === 0) return;
  await db.insert(quotaReservations).values(
    rules.map((rule) => ({
      oauthAccountId: accountId,
      postId,
      bucket: rule.bucket,
      units: unitsOf(rule),
      app: isOfApp(rule) ? appOf(accountId) : null,
    })),
  );
}

interface Holder {
  accountId: string;
  postId?: string | null;
  /** Whether the post may hold uses since it was accepted; these are released first. */
  held?: boolean;
}

/**
 * Takes the cost of one use from each quota, or nothing at all. The locks of `findFullQuota` keep it exact over all workers.
 * @returns null when taken
 */
export async function reserveQuotas(
  db: Db,
  taker: Holder,
  rules: readonly QuotaRule[],
): Promise<QuotaFull | null> {
  return rules.length === 0 ? null : db.transaction((tx) => reserveWithin(tx, taker, rules));
}

/** Does the same as {@link reserveQuotas} within a transaction. */
export async function reserveWithin(
  tx: Db,
  { accountId, postId = null, held = false }: Holder,
  rules: readonly QuotaRule[],
): Promise<QuotaFull | null> {
  if (rules.length === 0) return null;
  if (held && postId !== null) await releaseQuotas(tx, postId, rules);
  const full = await findFullQuota(tx, { accountId, postId }, rules);
  if (full === null) await takeQuotas(tx, { accountId, postId }, rules);
  return full;
}

/** Releases the uses of a post's newest write, because that write does not count. */
export async function releaseQuotas(db: Db, postId: string, rules: readonly QuotaRule[]): Promise<void> {
  for (const rule of rules) {
    await db.execute(sql`
      update quota_reservations set released_at = now() where id = (
        select id from quota_reservations
        where post_id = ${postId} and bucket = ${rule.bucket} and units = ${unitsOf(rule)} and released_at is null
        order by at desc limit 1)`);
  }
}

/** Releases the uses of a post that has ended without any attempt. */
export async function releaseUnused(db: Db, postId: string): Promise<void> {
  await db.execute(sql`
    update quota_reservations set released_at = now()
    where post_id = ${postId} and released_at is null
      and not exists (select 1 from publish_attempts where post_id = ${postId})`);
}

/**
 * Records that a refusal has shown a quota to be used up: its limit is the current use.
 * @param postId the refused post, which is the one to ask again; null: any
 * @param told the provider's own numbers
 */
export async function learnLimit(
  db: Db,
  { accountId, postId }: Taker,
  rule: QuotaRule,
  askAgainAt: Date,
  told?: { limit: number; used: number },
): Promise<void> {
  const shown = {
    limit: told?.limit ?? takenNow(accountId, rule),
    used: told?.used ?? null,
    postId,
    shownAt: sql`now()`,
    askAgainAt,
    app: isOfApp(rule) ? appOf(accountId) : null,
  };
  await db
    .insert(quotaLimits)
    .values({ oauthAccountId: accountId, bucket: rule.bucket, ...shown })
    .onConflictDoUpdate({ target: [quotaLimits.oauthAccountId, quotaLimits.bucket], set: shown });
}

/**
 * Records the provider's own numbers for quotas.
 * @param postId as for {@link learnLimit}
 * @returns the quota that is used up
 */
export async function noteTold(
  db: Db,
  { accountId, postId }: Taker,
  rules: readonly QuotaRule[],
  told: readonly { bucket: string; limit: number; used: number }[],
): Promise<QuotaFull | null> {
  let full: QuotaFull | null = null;
  for (const { bucket, limit, used } of told) {
    const rule = rules.find((candidate) => candidate.bucket === bucket);
    if (rule === undefined) continue;
    const askAgainAt = new Date(Date.now() + (used >= limit ? TOLD_FULL_MS : TOLD_MS));
    await learnLimit(db, { accountId, postId }, rule, askAgainAt, { limit, used });
    const resetAt = new Date(Date.now() + rule.windowMs);
    if (used >= limit) full = { quota: bucket, limit, used, remaining: 0, resetAt, askAgainAt };
  }
  return full;
}
/** How long the provider's numbers stay valid: the ledger adds our own posts to them, but not those from elsewhere. */
const TOLD_MS = MINUTE;
/** The provider does not report when one more becomes free. */
const TOLD_FULL_MS = HOUR;
