import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import type { ProviderName } from '../../providers/provider.ts';
import { createCreator } from '../../sandbox/testing/creator.ts';
import { connectSandboxAccount } from '../../stack/connect.ts';
import { sandboxAt } from '../../stack/sandbox.ts';
import { driverOf } from '../../test/drivers/index.ts';
import type { Stack } from '../stack.ts';
import type { Tenant } from '../tenant.ts';
import { until } from '../until.ts';

/* Accounts whose platform has media, and the passes that copy them. */

export interface Synced {
  provider: ProviderName;
  id: string;
  openId: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of a first pass with a call for each of a thousand media. */
const PASS_MS = 600_000;
/** More than a platform allows. */
const POSTS_PER_DAY = 100_000;

/** Connects an account whose creator has this many media that are not ours. Its first pass begins at once. */
export async function connectWithMedia(
  { sandboxUrl }: Stack,
  { api }: Tenant,
  provider: ProviderName,
  media: number,
): Promise<Synced> {
  const username = `creator_${randomUUID().slice(0, 8)}`;
  const driver = driverOf(provider);
  const creator = createCreator(sandboxUrl, provider);
  await driver.addCreator(sandboxAt(sandboxUrl), { username, method: null }, POSTS_PER_DAY);
  const openId = await creator.accountOf(username);
  if (media > 0)
    await creator.makeMany({
      account: openId,
      text: 'not ours',
      // Older than what lists are asked for every quarter of an hour.
      createdAt: Date.now() - 2 * DAY_MS,
      count: media,
      everyMs: HOUR_MS,
    });
  return { provider, openId, id: await connectSandboxAccount(api, sandboxUrl, driver, () => {}, username) };
}

/** What happens to the streams of an account. */
interface Streams {
  open: number;
  done: number;
  held: string | null;
}

/**
 * Waits until no stream of an account has anything to do.
 * @param held whether it may wait for its budget meanwhile
 */
export async function untilCopied(
  { sql }: Stack,
  { id }: Synced,
  { held = false }: { held?: boolean } = {},
): Promise<void> {
  await until(`the copies of ${id}`, PASS_MS, async () => {
    const [streams] = await sql<Streams[]>`
      select (count(*) filter (where state in ('running', 'waiting_quota') or last_success_at is null or next_due_at <= now()))::int as open,
        count(*)::int as done,
        string_agg(stream || ': ' || state || coalesce(' (' || reason || ')', ''), ', ')
          filter (where state in ('failed', 'waiting_quota')) as held
      from sync_states where oauth_account_id = ${id} and state not in ('unsupported', 'permission_missing', 'paused')`;
    if (streams === undefined) return null;
    if (streams.held !== null && !held) throw new Error(`the copies of ${id} are held up: ${streams.held}`);
    return streams.open === 0 && streams.done > 0 ? streams : null;
  });
}

/** Whether the product can read a platform's media. */
export async function isRead({ sql }: Stack, { id }: Synced): Promise<boolean> {
  const lines = await until(`the streams of ${id}`, 5_000, async () => {
    const rows = await sql<{ state: string }[]>`
      select state from sync_states where oauth_account_id = ${id} and stream = 'media'`;
    return rows[0] ?? null;
  }).catch(() => null);
  return lines !== null && lines.state !== 'unsupported';
}

/** Asks for a pass, as a client does. */
export async function askFor(
  { api }: Tenant,
  { id }: Synced,
  body: { mode: 'incremental' | 'full'; streams?: string[] },
): Promise<void> {
  await api.post(`/api/accounts/${id}/sync`, body, Type.Unknown());
}

/** Events in Temporal of all rounds of an account, over all their runs. */
export async function eventsOf({ temporal }: Stack, { id }: Synced): Promise<number> {
  let events = 0;
  const query = `WorkflowId = 'sync:${id}'`;
  for await (const { workflowId, runId } of temporal.workflow.list({ query }))
    events += (await temporal.workflow.getHandle(workflowId, runId).fetchHistory()).events?.length ?? 0;
  return events;
}

/** Waits until no round of an account is running, so that its history is whole. */
export async function untilRoundEnds({ temporal }: Stack, { id }: Synced): Promise<void> {
  await until(`the end of sync:${id}`, 60_000, async () => {
    const { status } = await temporal.workflow.getHandle(`sync:${id}`).describe();
    return status.name === 'RUNNING' ? null : true;
  });
}
