import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { databaseUrl } from '../config.ts';

/** `npm run db:migrate`: brings the database at DATABASE_URL to the newest schema; safe to repeat. */
const client = postgres(databaseUrl(), { max: 1, onnotice: () => {} });
await migrate(drizzle(client), {
  migrationsFolder: fileURLToPath(new URL('../db/migrations', import.meta.url)),
});
await client.end();
