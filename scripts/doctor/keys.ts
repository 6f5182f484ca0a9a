import { asc, gt } from 'drizzle-orm';
import { EnvelopeError } from '../../crypto/errors.ts';
import { localKeyProvider, type Keyring } from '../../crypto/keys.ts';
import { openDatabase, type Db } from '../../db/client.ts';
import { dataKeys } from '../../db/schema.ts';
import { failure, ok, type Finding } from './check.ts';

const PAGE = 500;

/** Whether each data key opens with the keyring: one that does not is an account whose tokens are lost. */
export async function examineKeys(url: string, keyring: Keyring): Promise<Finding[]> {
  const database = openDatabase(url, 1);
  try {
    const { opened, closed } = await openAll(database.db, keyring);
    if (closed.size === 0)
      return [ok(`the keyring opens all ${opened} data keys; new ones get "${keyring.activeKeyId}"`)];
    return [...closed].map(([keyId, count]) =>
      failure(
        `${count} data keys do not open: they need the key "${keyId}" as it was. Put it back into EVERPOST_KEYRING (docs/operations.md, "A lost key")`,
      ),
    );
  } catch {
    return [failure('the data keys cannot be read: see database')];
  } finally {
    await database.close();
  }
}

/** @returns how many open, and how many of each key-encryption key do not */
async function openAll(db: Db, keyring: Keyring): Promise<{ opened: number; closed: Map<string, number> }> {
  const keys = localKeyProvider(keyring);
  const closed = new Map<string, number>();
  let opened = 0;
  let last: string | null = null;
  for (;;) {
    const page: (typeof dataKeys.$inferSelect)[] = await db
      .select()
      .from(dataKeys)
      .where(last === null ? undefined : gt(dataKeys.id, last))
      .orderBy(asc(dataKeys.id))
      .limit(PAGE);
    for (const { kekId, wrapped } of page) {
      try {
        (await keys.unwrap(kekId, wrapped)).fill(0);
        opened += 1;
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error;
        closed.set(kekId, (closed.get(kekId) ?? 0) + 1);
      }
    }
    last = page.at(-1)?.id ?? null;
    if (page.length < PAGE) return { opened, closed };
  }
}
