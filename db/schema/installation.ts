import { sql } from 'drizzle-orm';
import { pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { bytea, at, id, createdAt } from './columns.ts';

/** This installation: exactly one row, created by the first process that needs it (db/installation.ts). */
export const installation = pgTable(
  'installation',
  {
    id: id(),
    /**
     * 32 random bytes, wrapped like a data key, from which the identities of repeated requests are computed. Null only
     * after an operator has abandoned a lost key: the next process then creates a new secret.
     */
    kekId: text('kek_id'),
    secretWrapped: bytea('secret_wrapped'),
    /** When a server wrote the id into the media folder; from then on no process creates that folder. */
    mediaMarkedAt: at('media_marked_at'),
    createdAt: createdAt(),
  },
  () => [uniqueIndex('installation_one_row').on(sql`(true)`)],
);
