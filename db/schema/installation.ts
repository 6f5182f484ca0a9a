import { sql } from 'drizzle-orm';
import { pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { bytea, at, id, createdAt } from './columns.ts';

/** This installation: exactly one row, made by the first process that needs it (db/installation.ts). */
export const installation = pgTable(
  'installation',
  {
    id: id(),
    /**
     * 32 random bytes, wrapped like a data key; identities of repeated requests are computed from them. Null only after
     * an operator has given up a lost key: then the next process makes a new secret.
     */
    kekId: text('kek_id'),
    secretWrapped: bytea('secret_wrapped'),
    /** When a server has put the id into the media folder; from then on no process makes that folder any more. */
    mediaMarkedAt: at('media_marked_at'),
    createdAt: createdAt(),
  },
  () => [uniqueIndex('installation_one_row').on(sql`(true)`)],
);
