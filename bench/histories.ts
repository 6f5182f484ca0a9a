import { Type } from 'typebox';
import { createApi } from '../stack/client.ts';
import { SAMPLE } from '../stack/checkout.ts';
import { uploadMedia } from '../stack/upload.ts';
import { publish, publishedAt } from './posts.ts';
import type { Row } from './report.ts';
import { withStack } from './stack.ts';
import { connectAccounts, newTenant } from './tenant.ts';

interface Kind {
  name: string;
  budget: number;
  /** Options of the sandbox's TikTok. */
  tiktok?: Record<string, unknown>;
  /** Whether TikTok sends webhooks; without them only polling finds the end. */
  webhooks?: boolean;
  /** Whether status calls fail, so that only a webhook brings the end. */
  noStatus?: boolean;
  post?: () => Record<string, unknown>;
}

const inbox = { mode: 'inbox', postInfo: undefined };
const KINDS: readonly Kind[] = [
  { name: 'file, direct, decided at once', budget: 26 },
  { name: 'file, direct, decided after 12 s of polling', budget: 26, tiktok: { processingMs: 12_000 } },
  { name: 'file, inbox', budget: 26, post: () => inbox },
  {
    name: 'file, direct, scheduled',
    budget: 32,
    post: () => ({ scheduledAt: new Date(Date.now() + 3_000).toISOString() }),
  },
  {
    name: 'file, direct, ended by a webhook',
    budget: 32,
    tiktok: { processingMs: 4_000 },
    webhooks: true,
    noStatus: true,
  },
];

/** How many events a post leaves in Temporal, where they are stored, replayed and, at Temporal Cloud, paid for. */
export async function histories(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const tenant = await newTenant(stack);
    const mediaId = await uploadMedia(tenant.api, tenant.key, SAMPLE);
    const accounts = await connectAccounts(tenant, stack, KINDS.length);
    const sandbox = createApi(stack.sandboxUrl);
    const rows: Row[] = [];
    for (const [index, kind] of KINDS.entries()) {
      await sandbox.post('/_sandbox/webhooks', { drop: kind.webhooks === true ? 0 : 1_000 }, Type.Unknown());
      await sandbox.post('/_sandbox/tiktok/options', { processingMs: 0, ...kind.tiktok }, Type.Unknown());
      if (kind.noStatus === true) {
        const fault = { endpoint: 'status', kind: 'status', http: 500, times: 0 };
        await sandbox.post('/_sandbox/faults', fault, Type.Unknown());
      }
      const post = await publish(tenant, accounts[index] ?? '', mediaId, kind.name, kind.post?.());
      await publishedAt(stack, post);
      const { events } = await stack.temporal.workflow.getHandle(post.workflowId).fetchHistory();
      const count = events?.length ?? 0;
      say(`${kind.name}: ${count}`);
      rows.push({
        name: `events of a post: ${kind.name}`,
        measured: String(count),
        budget: `<= ${kind.budget}`,
        ok: count > 0 && count <= kind.budget,
      });
    }
    return rows;
  });
}
