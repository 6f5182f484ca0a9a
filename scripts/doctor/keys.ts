import { asc, gt } from 'drizzle-orm';
import { EnvelopeError } from '../../crypto/errors.ts';
import { type KeyProvider, localKeyProvider, type Keyring } from '../../crypto/keys.ts';
import type { Db } from '../../db/client.ts';
import { findInstallation } from '../../db/installation.ts';
import { dataKeys } from '../../db/schema.ts';
import { failure, ok, type Finding } from './check.ts';
import { askDatabase } from './connection.ts';

const PAGE = 500;

/**
 * Checks that the keyring opens each data key, without which an account's tokens are lost, and the installation's
 * secret, without which there are no new API keys, and no users and connect links with an Idempotency-Key.
 */
export async function examineKeys(url: string, keyring: Keyring): Promise<Finding[]> {
  const keys = localKeyProvider(keyring);
  try {
    return await askDatabase(url, async (db) => [
      ...(await dataKeyFindings(db, keys)),
      await secretFinding(db, keys),
    ]);
  } catch {
    return [failure('the keys in the database cannot be read: fix what is said of the database first')];
  }
}

const putBack = (keyId: string): string =>
  `the key "${keyId}" as it was: put it back into EVERPOST_KEYRING, or see docs/operations.md, "A lost key"`;

async function dataKeyFindings(db: Db, keys: KeyProvider): Promise<Finding[]> {
  const { opened, closed } = await openAll(db, keys);
  if (closed.size === 0)
    return [
      ok(
        `${opened === 0 ? 'there are no data keys yet' : `the keyring opens all ${opened} data keys`}; new ones get "${keys.activeKeyId}"`,
      ),
    ];
  return [...closed].map(([keyId, count]) =>
    failure(`${count} data keys do not open: they need ${putBack(keyId)}`),
  );
}

async function secretFinding(db: Db, keys: KeyProvider): Promise<Finding> {
  const row = await findInstallation(db);
  if (row === null) return ok('the secret of the installation is made when it is needed first');
  return (await opens(keys, row.kekId, row.secretWrapped))
    ? ok('the keyring opens the secret of the installation')
    : failure(
        `the secret of the installation does not open, so no API key can be made, and no user or connect link with an Idempotency-Key: it needs ${putBack(row.kekId)}`,
      );
}

async function opens(keys: KeyProvider, keyId: string, wrapped: Uint8Array): Promise<boolean> {
  try {
    (await keys.unwrap(keyId, wrapped)).fill(0);
    return true;
  } catch (error) {
    if (error instanceof EnvelopeError) return false;
    throw error;
  }
}

/** @returns how many open, and how many of each key-encryption key do not */
async function openAll(db: Db, keys: KeyProvider): Promise<{ opened: number; closed: Map<string, number> }> {
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
      if (await opens(keys, kekId, wrapped)) opened += 1;
      else closed.set(kekId, (closed.get(kekId) ?? 0) + 1);
    }
    last = page.at(-1)?.id ?? null;
    if (page.length < PAGE) return { opened, closed };
  }
}
