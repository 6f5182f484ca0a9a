import { openDatabase, type Db } from '../../db/client.ts';
import { parseDatabaseUrl } from '../../db/url.ts';

/** Shorter than the limit of a check, so that a database which never answers is named as such. */
const ANSWER_MS = 5_000;

/** Asks a database on a connection of its own. @param url DATABASE_URL @throws what `ask` throws */
export async function askDatabase<T>(url: string, ask: (db: Db) => Promise<T>): Promise<T> {
  const database = openDatabase({ ...parseDatabaseUrl(url), queryMs: ANSWER_MS, waitMs: ANSWER_MS }, 1);
  try {
    return await ask(database.db);
  } finally {
    await database.close();
  }
}
