import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { ChaosAccount } from './creators.ts';
import type { World } from './world.ts';

/*
 * No state without an owner: an open post has a running workflow, or a row that the sweep will start one from. (The
 * other way round, a workflow without an open post, is looked for at the end of a round: drive.ts.)
 */

const PATIENCE_MS = 5_000;

/** @returns the open posts that were noted as started but have no workflow */
export async function ownerless(world: World, accounts: readonly ChaosAccount[]): Promise<string[]> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found: string[] = [];
    for (const id of await startedPosts(world, accounts)) if (!(await isRunning(world, id))) found.push(id);
    // A post that has just been settled, or a workflow that has just ended, is neither the next time.
    const again = new Set(found.length === 0 ? [] : await startedPosts(world, accounts));
    const left = found.filter((id) => again.has(id));
    if (left.length === 0 || Date.now() > end) return left;
    await sleep(500);
  }
}

async function startedPosts({ stack: { sql } }: World, accounts: readonly ChaosAccount[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from posts
    where oauth_account_id in ${sql(accounts.map(({ id }) => id))} and workflow_started_at is not null
      and state not in ('published', 'delivered', 'failed', 'cancelled', 'unknown')`;
  return rows.map(({ id }) => id);
}

async function isRunning({ stack: { temporal } }: World, postId: string): Promise<boolean> {
  try {
    const { status } = await temporal.workflow.getHandle(`post:${postId}`).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
