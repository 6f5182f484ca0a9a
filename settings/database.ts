import { DatabaseUrlError, parseDatabaseUrl } from '../db/url.ts';
import type { Reader } from './reader.ts';

/** @returns the URL of the database, with a warning for each parameter that is ignored */
export function readDatabaseUrl({ value, problem, warning }: Reader<'DATABASE_URL'>): string {
  const url = value('DATABASE_URL');
  try {
    for (const name of parseDatabaseUrl(url).ignored)
      warning(`DATABASE_URL: the parameter ${name} is not known and is ignored`);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    for (const one of error.problems) problem(`DATABASE_URL ${one}`);
  }
  return url;
}
