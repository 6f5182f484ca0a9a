import { databaseUrl } from '../config.ts';
import { migrateDatabase } from '../db/migrate.ts';

/** `npm run db:migrate`: brings the database at DATABASE_URL to the newest schema; safe to repeat. */
await migrateDatabase(databaseUrl());
