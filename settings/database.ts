import { DatabaseUrlError, parseDatabaseUrl } from '../db/url.ts';
import type { Reader } from './reader.ts';

/** @returns the database's URL, after a warning for each ignored parameter */
export function readDatabaseUrl({ value, problem, warning }: Reader<'DATABASE_URL'>): string {
  const url = value('DATABASE_URL');
  try {
    for (const name of parseDatabaseUrl(url).ignored)
      warning(`DATABASE_URL: the parameter ${name} is unknown and ignored`);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    for (const one of error.problems) problem(`DATABASE_URL ${one}`);
  }
  return url;
}
