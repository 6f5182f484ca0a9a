import { sql } from 'drizzle-orm';
import type { Db } from './client.ts';

/** At most of each table in one sweep, so that none of them takes long. */
const MOST = 5_000;

/** When rows go that nothing needs any more (docs/operations.md, "What is kept for how long"). */
const PERIODS = [
  { table: 'oauth_states', over: `expires_at < now() - interval '7 days'` },
  // After the attempts that were begun with them.
  {
    table: 'connect_links',
    over: `expires_at < now() - interval '30 days'
      and not exists (select 1 from oauth_states where connect_link_id = connect_links.id)`,
  },
  { table: 'audit_log', over: `at < now() - interval '400 days'` },
  {
    table: 'audit_log',
    over: `at < now() - interval '30 days'
      and action in ('access.refused', 'webhook.refused', 'connect.refused', 'account.connect_failed')`,
  },
  { table: 'webhook_events', over: `received_at < now() - interval '180 days'` },
  { table: 'data_deletions', over: `requested_at < now() - interval '400 days'` },
  // What has its end noted goes by itself.
  { table: 'grant_calls', over: `expires_at < now() - interval '1 day'` },
  { table: 'quota_reservations', over: `at < now() - interval '2 days'` },
  { table: 'quota_limits', over: `shown_at < now() - interval '2 days'` },
] as const;

/** Deletes what has been kept long enough. */
export async function forgetOldRows(db: Db): Promise<void> {
  for (const { table, over } of PERIODS)
    await db.execute(
      sql.raw(
        `delete from ${table} where ctid = any (array(select ctid from ${table} where ${over} limit ${MOST}))`,
      ),
    );
}
