import { eq, inArray, sql } from 'drizzle-orm';
import type { Account } from '../accounts.ts';
import type { Db } from '../client.ts';
import { oauthAccounts } from '../schema.ts';

/** Accounts in service without lines: just connected, or from before sync. */
export async function accountsWithoutLines(
  db: Db,
  providers: readonly string[],
  limit: number,
): Promise<Account[]> {
  if (providers.length === 0) return [];
  return db
    .select()
    .from(oauthAccounts)
    .where(
      sql`${oauthAccounts.status} = 'active' and ${inArray(oauthAccounts.provider, [...providers])}
        and not exists (select from sync_states s where s.oauth_account_id = ${oauthAccounts.id})`,
    )
    .limit(limit);
}

/** Accounts whose lines say something else than their own state: just out of service, or just back. */
export async function accountsWithOldLines(db: Db, limit: number): Promise<Account[]> {
  return db
    .select()
    .from(oauthAccounts)
    .where(
      sql`exists (select from sync_states s where s.oauth_account_id = ${oauthAccounts.id} and s.state <> 'unsupported'
        and case when ${oauthAccounts.status} = 'active'
          then s.state = 'paused' or ((s.state = 'permission_missing' or s.reason like 'not granted%')
            and s.last_attempt_at < ${oauthAccounts.connectedAt})
          else s.state <> 'paused' or s.reason is distinct from ${oauthAccounts.status} end)`,
    )
    .limit(limit);
}

/** Accounts that have something due; tenants take turns, and within a tenant the one that has waited longest is first. */
export async function dueAccounts(db: Db, limit: number): Promise<Account[]> {
  const rows = await db.execute<{ id: string }>(sql`
    with due as (
      select oauth_account_id as id, user_id, min(next_due_at) as since from (
        select oauth_account_id, user_id, next_due_at from sync_states
        where next_due_at <= now() and state not in ('paused', 'unsupported')
        union all
        select oauth_account_id, user_id, next_due_at from sync_subjects s
        where next_due_at <= now() and exists (
          select from sync_states l where l.oauth_account_id = s.oauth_account_id and l.stream = s.stream
            and (l.state in ('idle', 'running') and (l.progress ->> 'failures' is null or l.next_due_at <= now())
              or l.state = 'waiting_quota' and s.hinted_at is not null)
        )
      ) waiting group by oauth_account_id, user_id
    )
    select due.id from due join oauth_accounts a on a.id = due.id and a.status = 'active'
    order by row_number() over (partition by due.user_id order by due.since), due.since
    limit ${limit}`);
  if (rows.length === 0) return [];
  const found = await db
    .select()
    .from(oauthAccounts)
    .where(
      inArray(
        oauthAccounts.id,
        rows.map(({ id }) => id),
      ),
    );
  const byId = new Map(found.map((account) => [account.id, account]));
  return rows.flatMap(({ id }) => byId.get(id) ?? []);
}

/** Whether a publish of the provider's account, which several tenants may share, is under way: its backfill waits. */
export async function isPublishing(
  db: Db,
  { provider, openId }: Pick<Account, 'provider' | 'openId'>,
): Promise<boolean> {
  const [row] = await db.execute(sql`
    select from oauth_accounts a join posts p on p.oauth_account_id = a.id
    where a.provider = ${provider} and a.open_id = ${openId} and (p.state in ('transferring', 'processing')
      or (p.state = 'accepted' and p.created_at > now() - interval '10 minutes'))
    limit 1`);
  return row !== undefined;
}

/** The account, if it is in service. */
export async function accountInService(db: Db, id: string): Promise<Account | null> {
  const [account] = await db.select().from(oauthAccounts).where(eq(oauthAccounts.id, id));
  return account?.status === 'active' ? account : null;
}
