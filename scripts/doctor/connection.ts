import { openDatabase, type Db } from '../../db/client.ts';
import { parseDatabaseUrl } from '../../db/url.ts';

/** Shorter than a check's limit, so that a database that never answers is reported as such. */
const ANSWER_MS = 5_000;

/** Queries a database on a separate connection. @param url DATABASE_URL @throws what `ask` throws */
export async function askDatabase<T>(url: string, ask: (db: Db) => Promise<T>): Promise<T> {
  const database = openDatabase({ ...parseDatabaseUrl(url), queryMs: ANSWER_MS, waitMs: ANSWER_MS }, 1);
  try {
    return await ask(database.db);
  } finally {
    await database.close();
  }
}
