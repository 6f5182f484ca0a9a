import { instagramTables } from './instagram.ts';
import type { ProviderTables } from './provider-tables.ts';
import { threadsTables } from './threads.ts';
import { tiktokTables } from './tiktok.ts';

/** Providers with tables of their own. The others need none. */
const TABLES = new Map<string, ProviderTables>([
  ['tiktok', tiktokTables],
  ['instagram', instagramTables],
  ['threads', threadsTables],
]);
const NONE: ProviderTables = {};

/** The hooks of a provider's own tables. */
export function tablesOf(provider: string): ProviderTables {
  return TABLES.get(provider) ?? NONE;
}

/** Adds the tables of a platform that was added to the registry of this process (providers/index.ts). */
export function addTables(provider: string, tables: ProviderTables): void {
  TABLES.set(provider, tables);
}
