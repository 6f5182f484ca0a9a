import { WorkflowNotFoundError } from '@temporalio/client';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { createApi } from '../stack/client.ts';
import { tiktok } from '../test/drivers/tiktok.ts';
import type { Stack } from './stack.ts';
import type { Tenant } from './tenant.ts';
import { until } from './until.ts';

const Accepted = Type.Object({ id: Type.String(), workflowId: Type.String() });
const Requests = Type.Array(Type.Object({ at: Type.String(), body: Type.Unknown() }));
const Init = Type.Object({ post_info: Type.Object({ title: Type.String() }) });

export interface SentPost {
  id: string;
  workflowId: string;
  title: string;
  /** When the API was called. */
  calledAt: number;
}

/** Publishes the file as a post with this title. */
export async function publish(
  { api }: Tenant,
  accountId: string,
  mediaId: string,
  title: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<SentPost> {
  const calledAt = Date.now();
  const body = { ...tiktok.videoPost(accountId, mediaId, title), ...more };
  return { ...(await api.post(tiktok.publishPath, body, Accepted)), title, calledAt };
}

/** When a post's workflow ended: then it is published and everything is recorded. */
export async function publishedAt({ temporal }: Stack, { workflowId }: SentPost): Promise<number> {
  const handle = temporal.workflow.getHandle(workflowId);
  const state = await until(`${workflowId} to end`, 600_000, async () => {
    try {
      return String(await handle.result());
    } catch (error) {
      // Temporal was too busy to take it: the sweep starts it.
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  });
  if (state !== 'published' && state !== 'delivered') throw new Error(`${workflowId} ended as ${state}`);
  const { closeTime } = await handle.describe();
  return closeTime?.getTime() ?? Number.NaN;
}

/** When TikTok got the call that makes a post, by the post's title. Earlier calls change nothing there. */
export async function firstCalls(stack: Stack, posts: readonly SentPost[]): Promise<Map<string, number>> {
  const sandbox = createApi(stack.sandboxUrl);
  return until('every post to be at the provider', 120_000, async () => {
    const requests = await sandbox.get('/_sandbox/requests?endpoint=video.init', Requests);
    const calls = new Map<string, number>();
    for (const { at, body } of requests) {
      if (!Value.Check(Init, body)) continue;
      const { title } = body.post_info;
      if (!calls.has(title)) calls.set(title, Date.parse(at));
    }
    return posts.every(({ title }) => calls.has(title)) ? calls : null;
  });
}
