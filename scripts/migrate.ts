import { databaseUrl } from '../config.ts';
import { migrateDatabase } from '../db/migrate.ts';
import { StartError, tellFailure } from '../startup.ts';

/** `npm run db:migrate`: brings the database at DATABASE_URL to the newest schema; safe to repeat. */
try {
  const applied = await migrateDatabase(databaseUrl());
  console.log(
    applied.length === 0
      ? 'The database has the newest schema already.'
      : `Applied ${applied.length} migrations, up to ${applied.at(-1)}: the database has the newest schema.`,
  );
} catch (error) {
  tellFailure(
    error instanceof StartError ? error : new StartError(`The database was not migrated: ${why(error)}`),
  );
}

/** The message of PostgreSQL or the driver, without the statement around it. */
function why(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
