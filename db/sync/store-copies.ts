import { getTableName, type SQL, sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Item } from '../../reading.ts';
import type { Db } from '../client.ts';
import { isDataError } from '../failures.ts';
import type { CopySource } from '../schema/columns.ts';
import { nameOf, typeOf, written } from './copy-columns.ts';

/*
 * The guarded write of copies: one statement for all rows of a page. A row that was read later than these items stays
 * as it is.
 */

/** What a table of copies needs to be written. */
export interface Target {
  readonly table: PgTable;
  /** The column of the provider's id; absent: the owner alone is unique. */
  readonly key?: string;
  readonly owner: string;
  readonly volatile: readonly string[];
  readonly counts: readonly string[];
  /** The column and the value that say that it is hidden. */
  readonly hiddenBy?: { readonly column: string; readonly value: string | boolean };
}

/** An item, and the row that it belongs to. */
export interface OwnedItem {
  readonly item: Item;
  readonly owner: string;
}

export interface Written {
  /** Its row. */
  id: string;
  /** The provider's id. */
  key: string;
  inserted: boolean;
  /** Its content has changed, apart from counts and volatile columns. */
  edited: boolean;
  /** A count has changed. */
  counted: boolean;
  /** It was removed, and is back. */
  restored: boolean;
  /** It was hidden before. */
  wasHidden: boolean;
  /** Before this write only a webhook had written it, or nothing. */
  wasUnread: boolean;
}

/** Who writes, and when it was read. */
export interface Writer {
  readonly userId: string;
  readonly source: CopySource;
  /** The database's clock before the request, as text with microseconds; null: a webhook, which only inserts. */
  readonly readAt: string | null;
  /** The pass over a list; null: no pass. */
  readonly pass: number | null;
}

/**
 * Writes copies.
 * @returns the rows that were written, and the number of items that the database refuses
 * @throws whatever is not the fault of an item
 */
export async function storeCopies(
  tx: Db,
  target: Target,
  items: readonly OwnedItem[],
  writer: Writer,
): Promise<{ written: Written[]; refused: number }> {
  const distinct = [...new Map(items.map((one) => [`${one.owner} ${one.item.id}`, one])).values()];
  return storeOrSplit(tx, target, distinct, writer);
}

/** A refused statement is tried again in halves, so that a bad row costs only itself. */
async function storeOrSplit(
  tx: Db,
  target: Target,
  items: readonly OwnedItem[],
  writer: Writer,
): Promise<{ written: Written[]; refused: number }> {
  if (items.length === 0) return { written: [], refused: 0 };
  try {
    return { written: await tx.transaction((inner) => store(inner, target, items, writer)), refused: 0 };
  } catch (error) {
    // An event is kept with its error, and applied again; a page is not.
    if (!isDataError(error) || writer.readAt === null) throw error;
    if (items.length === 1) return { written: [], refused: 1 };
  }
  const half = Math.ceil(items.length / 2);
  const first = await storeOrSplit(tx, target, items.slice(0, half), writer);
  const second = await storeOrSplit(tx, target, items.slice(half), writer);
  return { written: [...first.written, ...second.written], refused: first.refused + second.refused };
}

async function store(
  tx: Db,
  target: Target,
  items: readonly OwnedItem[],
  writer: Writer,
): Promise<Written[]> {
  const { table, owner, key } = target;
  const name = sql.identifier(getTableName(table));
  const given = columnsOf(target, items);
  const told = [...given.keys()].filter((property) => property !== owner && property !== key);
  const columns = list([...given.keys()].map((property) => nameOf(table, property)));
  const unique = [owner, ...(key === undefined ? [] : [key])].map((property) => nameOf(table, property));
  const values = [...given].map(
    ([property], at) =>
      sql`${sql.identifier(`c${at}`)}::${typeOf(table, property)} as ${nameOf(table, property)}`,
  );
  const arrays = [...given.values()].map(
    (of) => sql`${sql.param(items.map((one) => written(of(one))))}::text[]`,
  );
  const aliases = [...given].map((_, at) => sql`${sql.identifier(`c${at}`)}`);
  return tx.execute<Written & Record<string, unknown>>(sql`
    with page as materialized (
      select ${list(values)} from unnest(${list(arrays)}) as told (${list(aliases)})
    ), before as (
      select t.id, t.read_at, t.removed_at, ${differs(target, edited(target, told), 'page')} as edited,
        ${differs(target, counted(target, told), 'page')} as counted,
        ${hidden(target)} as hidden
      from ${name} t join page on ${and(unique.map((column) => sql`t.${column} = page.${column}`))}
    ), done as (
      insert into ${name} as t (user_id, ${columns}, source, read_at, seen_pass)
      select ${writer.userId}::uuid, ${columns}, ${writer.source}, ${writer.readAt}::timestamptz, ${writer.pass}::integer
      from page
      on conflict (${list(unique)}) ${writer.readAt === null ? sql`do nothing` : updated(target, told)}
      returning t.id, ${key === undefined ? sql`t.id::text` : sql`t.${nameOf(table, key)}`} as key, xmax = 0 as inserted
    )
    select done.id, done.key, done.inserted, before.removed_at is not null as restored,
      not done.inserted and coalesce(before.edited, false) as edited,
      not done.inserted and coalesce(before.counted, false) as counted,
      coalesce(before.hidden, false) as "wasHidden", before.read_at is null as "wasUnread"
    from done left join before on before.id = done.id`);
}

const hidden = ({ table, hiddenBy }: Target): SQL =>
  hiddenBy === undefined
    ? sql`false`
    : sql`t.${nameOf(table, hiddenBy.column)} is not distinct from ${hiddenBy.value}`;

/** The columns to write, and where their values come from. */
function columnsOf(
  { owner, key, table }: Target,
  items: readonly OwnedItem[],
): ReadonlyMap<string, (one: OwnedItem) => unknown> {
  const columns = new Map<string, (one: OwnedItem) => unknown>([[owner, (one) => one.owner]]);
  if (key !== undefined) columns.set(key, ({ item }) => item.id);
  for (const property of new Set(items.flatMap(({ item }) => Object.keys(item.values))))
    columns.set(property, ({ item }) => item.values[property]);
  if (MERGED in table) columns.set(MERGED, ({ item }) => item.metrics ?? {});
  return columns.set('raw', ({ item }) => item.raw);
}

/** The newest value of each metric: a page tells some of them. */
const MERGED = 'metricsJson';

function edited({ counts, volatile }: Target, told: readonly string[]): string[] {
  const silent = ['raw', MERGED, ...counts, ...volatile];
  return told.filter((property) => !silent.includes(property));
}

function counted({ counts }: Target, told: readonly string[]): string[] {
  return told.filter((property) => counts.includes(property) || property === MERGED);
}

/** Whether one of the columns changes. */
function differs({ table }: Target, properties: readonly string[], page: 'page' | 'excluded'): SQL {
  if (properties.length === 0) return sql`false`;
  const changes = properties.map((property) => {
    const column = nameOf(table, property);
    return sql`t.${column} is distinct from ${merged(property, column, page)}`;
  });
  return sql`(${sql.join(changes, sql` or `)})`;
}

const merged = (property: string, column: SQL, page: 'page' | 'excluded'): SQL =>
  property === MERGED ? sql`t.${column} || ${sql.raw(page)}.${column}` : sql`${sql.raw(page)}.${column}`;

function updated(target: Target, told: readonly string[]): SQL {
  const sets = told.map((property) => {
    const column = nameOf(target.table, property);
    return sql`${column} = ${merged(property, column, 'excluded')}`;
  });
  const changes = differs(target, [...edited(target, told), ...counted(target, told)], 'excluded');
  return sql`do update set ${list(sets)}, source = excluded.source, read_at = excluded.read_at,
      seen_pass = coalesce(excluded.seen_pass, t.seen_pass),
      missing_since = null, removed_at = null, removed_reason = null,
      updated_at = case when t.removed_at is not null or ${changes} then now() else t.updated_at end
    where t.read_at is null or t.read_at <= excluded.read_at`;
}

const list = (parts: readonly SQL[]): SQL => sql.join([...parts], sql`, `);
const and = (parts: readonly SQL[]): SQL => sql.join([...parts], sql` and `);
