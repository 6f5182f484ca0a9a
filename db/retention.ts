import { sql } from 'drizzle-orm';
import type { Db } from './client.ts';

/** The most rows of each table to delete in one sweep, so that none of them takes long. */
const MOST = 5_000;

/** When rows that nothing needs any more are deleted (docs/operations.md, "What is kept for how long"). */
const PERIODS = [
  { table: 'oauth_states', over: `expires_at < now() - interval '7 days'` },
  // After the attempts that were started with them.
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
  // A call with a recorded end is deleted right away.
  { table: 'grant_calls', over: `expires_at < now() - interval '1 day'` },
  { table: 'quota_reservations', over: `at < now() - interval '2 days'` },
  { table: 'changes', over: `at < now() - interval '30 days'` },
  { table: 'api_usage', over: `window_start < now() - interval '30 days'` },
  { table: 'quota_limits', over: `shown_at < now() - interval '2 days'` },
] as const;

/** Deletes rows whose period is over. */
export async function forgetOldRows(db: Db): Promise<void> {
  for (const { table, over } of PERIODS)
    await db.execute(
      sql.raw(
        `delete from ${table} where ctid = any (array(select ctid from ${table} where ${over} limit ${MOST}))`,
      ),
    );
}
