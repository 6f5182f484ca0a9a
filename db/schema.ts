/*
 * All stored data (docs/architecture.md, "Data"). Names are a contract: users query these tables. A row that belongs to
 * a tenant has user_id, and its foreign keys include it, so that no row can point into another tenant's data.
 */

export * from './schema/installation.ts';
export * from './schema/users.ts';
export * from './schema/connecting.ts';
export * from './schema/accounts.ts';
export * from './schema/data-deletions.ts';
export * from './schema/media.ts';
export * from './schema/posts.ts';
export * from './schema/tiktok.ts';
export * from './schema/instagram.ts';
export * from './schema/threads.ts';
export * from './schema/profiles.ts';
export * from './schema/sync.ts';
export * from './schema/views.ts';
export * from './schema/attempts.ts';
export * from './schema/quotas.ts';
export * from './schema/events.ts';
export * from './schema/audit.ts';
