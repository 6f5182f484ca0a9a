import { getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm';
import type { Db } from '../../db/client.ts';
import type { CopyTable, ProviderTables } from '../../db/provider-tables.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import { nameOf, typeOf, written } from '../../db/sync/copy-columns.ts';
import { type OwnedItem, storeCopies } from '../../db/sync/store-copies.ts';
import { storeMedia } from '../../db/sync/store-page.ts';
import { record } from '../../providers/json.ts';
import type { Item, Value } from '../../reading.ts';
import type { Synced } from './accounts.ts';

/* Pages of new media like those that were copied, and three ways to write one. */

export interface Writers {
  /** A page of media that no table has. */
  newPage(): Item[];
  /** A bare INSERT into a copy of the table, with its indexes and foreign keys. */
  bare(items: readonly Item[]): Promise<unknown>;
  /** The guarded statement, in a transaction of its own. */
  guarded(items: readonly Item[]): Promise<unknown>;
  /** All that sync does with a page: numbers, links to posts, and the feed too. */
  whole(items: readonly Item[]): Promise<unknown>;
}

type Copies = NonNullable<ProviderTables['copies']>;

/** @param account has copies of some media */
export async function createWriters(db: Db, copies: Copies, account: Synced, rows: number): Promise<Writers> {
  const { media } = copies;
  const bareName = sql.identifier(`bare_${getTableName(media.table)}`);
  await copyTable(db, media, bareName);
  const templates = await db.select().from(media.table).where(media.ofAccount(account.id)).limit(rows);
  if (templates.length < rows) throw new Error(`${account.id} has only ${templates.length} copies`);
  const userId = String(templates[0]?.['userId']);
  const owner = String(templates[0]?.[media.owner]);
  const properties = contentOf(media);
  let page = 0;

  /** The columns of a row as a plain writer gives them. */
  const columns = (items: readonly Item[]): readonly [string, readonly unknown[]][] => [
    ['userId', items.map(() => userId)],
    [media.owner, items.map(() => owner)],
    [media.key, items.map(({ id }) => id)],
    ...properties.map((name): [string, unknown[]] => [name, items.map(({ values }) => values[name])]),
    ['raw', items.map(({ raw }) => raw)],
  ];

  return {
    newPage() {
      page += 1;
      return templates.map((row, index): Item => ({
        id: `${page}-${index}`,
        at: null,
        values: Object.fromEntries(properties.map((name) => [name, valueOf(row[name])])),
        metrics: { likes: index, views: page, shares: 1 },
        raw: record(row['raw']) ?? {},
      }));
    },
    bare: (items) =>
      db.transaction(async (tx) => {
        const given = columns(items);
        const arrays = given.map(
          ([name, values]) => sql`${sql.param(values.map(written))}::text[]::${typeOf(media.table, name)}[]`,
        );
        await tx.execute(sql`
          insert into ${bareName} (${list(given.map(([name]) => nameOf(media.table, name)))})
          select * from unnest(${list(arrays)})`);
      }),
    async guarded(items) {
      const writer = { userId, source: 'page', readAt: now(), pass: 1 } as const;
      await db.transaction((tx) =>
        storeCopies(
          tx,
          media,
          items.map((item): OwnedItem => ({ item, owner })),
          writer,
        ),
      );
    },
    async whole(items) {
      const of = {
        account: { id: account.id, userId },
        copies,
        source: 'page',
        readAt: now(),
        pass: 1,
        quiet: false,
      } as const;
      await db.transaction(async (tx) => {
        const { changes } = await storeMedia(tx, of, items);
        await recordChanges(tx, { userId, accountId: account.id }, changes);
      });
    },
  };
}

function valueOf(stored: unknown): Value {
  if (typeof stored === 'string' || typeof stored === 'number' || typeof stored === 'boolean') return stored;
  return stored instanceof Date || Array.isArray(stored) ? stored : null;
}

/** The columns that a platform fills. */
function contentOf({ table, owner, key }: CopyTable): string[] {
  const ours = [
    'id',
    'userId',
    owner,
    key,
    'source',
    'firstSeenAt',
    'readAt',
    'seenPass',
    'missingSince',
    'removedAt',
    'removedReason',
    'raw',
    'createdAt',
    'updatedAt',
    'postId',
    'metricsJson',
  ];
  return Object.keys(getTableColumns(table)).filter((name) => !ours.includes(name));
}

async function copyTable(
  db: Db,
  { table }: CopyTable,
  copy: SQL | ReturnType<typeof sql.identifier>,
): Promise<void> {
  const name = getTableName(table);
  await db.execute(sql`create table ${copy} (like ${sql.identifier(name)} including all)`);
  const keys = await db.execute<{ definition: string }>(sql`
    select pg_get_constraintdef(oid) as definition from pg_constraint
    where conrelid = ${name}::regclass and contype = 'f'`);
  for (const { definition } of keys) await db.execute(sql`alter table ${copy} add ${sql.raw(definition)}`);
}

const now = (): string => new Date().toISOString();

const list = (parts: readonly SQL[]): SQL => sql.join([...parts], sql`, `);
