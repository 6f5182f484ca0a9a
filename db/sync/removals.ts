import { getTableName, type SQL, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import type { CopyTable } from '../provider-tables.ts';
import type { CopySource, RemovedReason } from '../schema/columns.ts';
import type { Change } from './changes.ts';
import { columnOf, nameOf } from './copy-columns.ts';

/* What passes do not see any more, and what is removed, which takes a proof. */

/** A copy that may be gone. */
export interface Missing {
  id: string;
  /** The provider's id. */
  key: string;
}

const nameOfTable = ({ table }: CopyTable): SQL => sql`${sql.identifier(getTableName(table))}`;
const keyOf = ({ table, key }: CopyTable): SQL => sql`${columnOf(table, key)}`;

/**
 * Notes since when copies have been missing from complete passes.
 * @param where the copies that the pass covered
 * @returns how many the pass did not see, and how many it covered
 */
export async function markMissing(
  tx: Db,
  copies: CopyTable,
  where: SQL,
  pass: number,
): Promise<{ missing: number; covered: number }> {
  await tx.execute(sql`
    update ${nameOfTable(copies)} set missing_since = now()
    where ${where} and removed_at is null and missing_since is null and seen_pass is distinct from ${pass}`);
  const [row] = await tx.execute<{ missing: number; covered: number }>(sql`
    select count(*) filter (where seen_pass is distinct from ${pass})::integer as missing, count(*)::integer as covered
    from ${nameOfTable(copies)} where ${where} and removed_at is null`);
  return row ?? { missing: 0, covered: 0 };
}

/** How many copies are still missing after those that the pass did not see have been asked for. */
export async function countMissing(tx: Db, copies: CopyTable, where: SQL): Promise<number> {
  const [row] = await tx.execute<{ missing: number }>(sql`
    select count(*)::integer as missing from ${nameOfTable(copies)}
    where ${where} and removed_at is null and missing_since is not null`);
  return row?.missing ?? 0;
}

/**
 * Missing copies to ask for by id, in the order of their rows.
 * @param seconds they have been missing for at least so long
 */
export async function missingCopies(
  db: Db,
  copies: CopyTable,
  where: SQL,
  { seconds, after, limit }: { seconds: number; after: string | null; limit: number },
): Promise<Missing[]> {
  return db.execute<Missing & Record<string, unknown>>(sql`
    select id, ${keyOf(copies)} as key from ${nameOfTable(copies)}
    where ${where} and removed_at is null and missing_since <= now() - make_interval(secs => ${seconds})
      and (${after}::uuid is null or id > ${after}::uuid)
    order by id limit ${limit}`);
}

/** The copies of these provider ids that are not removed. */
export async function copiesNamed(
  db: Db,
  copies: CopyTable,
  accountId: string,
  keys: readonly string[],
): Promise<Missing[]> {
  return db.execute<Missing & Record<string, unknown>>(sql`
    select id, ${keyOf(copies)} as key from ${nameOfTable(copies)}
    where ${copies.ofAccount(accountId)} and removed_at is null and ${keyOf(copies)} = any(${sql.param([...keys])}::text[])`);
}

/** The provider's id of the newest copy that was seen lately, to be asked for as a control; null: there is none. */
export async function controlOf(
  db: Db,
  copies: CopyTable,
  where: SQL,
  pass: number | null,
): Promise<string | null> {
  const [row] = await db.execute<{ key: string }>(sql`
    select ${keyOf(copies)} as key from ${nameOfTable(copies)}
    where ${where} and removed_at is null and read_at is not null and missing_since is null
      and (${pass}::integer is null or seen_pass = ${pass}::integer)
    order by ${columnOf(copies.table, copies.time)} desc nulls last limit 1`);
  return row?.key ?? null;
}

/**
 * Records that copies are gone, unless a newer read has seen them.
 * @param readAt the database's clock before the proof was asked for: an older page brings none of them back
 */
export async function removeCopies(
  tx: Db,
  copies: CopyTable,
  ids: readonly string[],
  reason: RemovedReason,
  readAt: string,
  source: CopySource = 'page',
): Promise<Change[]> {
  if (ids.length === 0) return [];
  const rows = await tx.execute<{ id: string; key: string }>(sql`
    update ${nameOfTable(copies)} set removed_at = now(), removed_reason = ${reason}, updated_at = now(),
      source = ${source}, read_at = ${readAt}::timestamptz
    where id = any(${sql.param([...ids])}::uuid[]) and removed_at is null
      and (read_at is null or read_at <= ${readAt}::timestamptz)
    returning id, ${nameOf(copies.table, copies.key)} as key`);
  const isMedia = copies.holds === 'media';
  return rows.map(({ id, key }) => ({
    kind: isMedia ? 'media.removed' : 'comment.removed',
    subjectTable: getTableName(copies.table),
    subjectId: id,
    data: { ...(isMedia ? { providerMediaId: key } : { providerCommentId: key }), reason },
  }));
}

/** Records that copies are there after all. */
export async function keepCopies(tx: Db, copies: CopyTable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute(sql`
    update ${nameOfTable(copies)} set missing_since = null where id = any(${sql.param([...ids])}::uuid[])`);
}

/** Ends the copies whose time is over: nobody has removed them, so the feed does not tell. */
export async function endCopies(tx: Db, copies: CopyTable, accountId: string): Promise<void> {
  const { endsAt } = copies;
  if (endsAt === undefined) return;
  await tx.execute(sql`
    update ${nameOfTable(copies)} set removed_at = ${endsAt}, removed_reason = 'expired', missing_since = null, updated_at = now()
    where ${copies.ofAccount(accountId)} and removed_at is null and ${endsAt} <= now()`);
}

/** Counts from now on for how long copies have been missing. */
export async function restartMissing(tx: Db, copies: CopyTable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute(sql`
    update ${nameOfTable(copies)} set missing_since = now() where id = any(${sql.param([...ids])}::uuid[])`);
}
