import type { ChaosAccount } from './creators.ts';
import type { World } from './world.ts';

/*
 * Posts that wait for an account sleep for an hour and are woken when its creator is back. To let them skip the hour
 * would hide a wake-up that was lost, so only what waits for the hour itself gets it.
 */

/** They move on within a moment; a worker that was killed while it woke them costs two time-outs of half a minute. */
const WAKE_MS = 120_000;

export interface Sleepers {
  /** Refused with a fresh token: nobody wakes these, they look again after an hour. */
  rightly: string[];
  /** Nobody woke these when their creator came back. */
  unwoken: string[];
}

/** The posts that wait although their account is connected. */
export async function sleepers(
  { stack: { sql } }: World,
  accounts: readonly ChaosAccount[],
): Promise<Sleepers> {
  const rows = await sql<{ id: string; looked: boolean; late: boolean }[]>`
    select posts.id,
      posts.state = 'waiting_account' and exists (
        select from publish_attempts tried where tried.post_id = posts.id
          and coalesce(tried.finished_at, tried.created_at) > accounts.connected_at) as looked,
      accounts.connected_at < now() - ${WAKE_MS} * interval '1 millisecond' as late
    from posts join oauth_accounts accounts on accounts.id = posts.oauth_account_id
    where accounts.id in ${sql(accounts.map(({ id }) => id))} and accounts.status = 'active'
      and (posts.state = 'waiting_account' and posts.phase is null
        or posts.state in ('transferring', 'processing') and posts.phase is distinct from 'reconciling'
          and posts.updated_at < accounts.connected_at)`;
  return {
    rightly: rows.filter(({ looked }) => looked).map(({ id }) => id),
    unwoken: rows.filter(({ looked, late }) => !looked && late).map(({ id }) => id),
  };
}
