import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type World } from './world.ts';

/* What a publish leaves in Temporal: short histories, and the data that operators search. */

let world: World;
let accountId: string;
let mediaId: string;
beforeAll(async () => {
  world = await createWorld();
  accountId = await world.connect();
  mediaId = await world.upload();
});
afterAll(() => world?.close());

async function publish(changes: Record<string, unknown> = {}): Promise<string> {
  const accepted = await world.publish({ accountId, mediaId, allowDuplicate: true, ...changes });
  expect(accepted.status).toBe(202);
  return accepted.body.id;
}

async function events(postId: string): Promise<number> {
  const handle = world.temporal.workflow.getHandle(`post:${postId}`);
  await handle.result();
  return (await handle.fetchHistory()).events?.length ?? 0;
}

test('a publish has at most 26 events, however often it polls for the verdict', async () => {
  onTestFailed(() => world.tell());
  await world.control('POST', '/webhooks', { drop: 1000 });
  await world.control('POST', '/tiktok/options', { processingMs: 12_000 });
  const id = await publish();
  await world.untilPost(id, 'published');
  expect(await events(id)).toBeLessThanOrEqual(26);
  await world.control('POST', '/tiktok/options', { processingMs: 200 });
});

test('a scheduled publish has at most 32', async () => {
  onTestFailed(() => world.tell());
  const id = await publish({ scheduledAt: new Date(Date.now() + 2000).toISOString() });
  await world.untilPost(id, 'published');
  expect(await events(id)).toBeLessThanOrEqual(32);
});

test('a publish ended by a webhook has at most 32', async () => {
  onTestFailed(() => world.tell());
  await world.control('POST', '/webhooks', { drop: 0 });
  await world.control('POST', '/tiktok/options', { processingMs: 4000 });
  // Only the webhook can show the end.
  await world.fault({ endpoint: 'status', kind: 'status', http: 500, times: 0 });
  const id = await publish();
  await world.untilPost(id, 'published');
  expect(await events(id)).toBeLessThanOrEqual(32);
  await world.control('DELETE', '/faults');
  await world.control('POST', '/tiktok/options', { processingMs: 200 });
});

test('an operator finds a post by account and state, and sees its current work', async () => {
  onTestFailed(() => world.tell());
  const waiting = await publish({ scheduledAt: new Date(Date.now() + 3_600_000).toISOString() });
  const query = `EverpostAccount = "${accountId}" AND EverpostState = "scheduled"`;
  await until('visibility', async () => {
    for await (const found of world.temporal.workflow.list({ query }))
      if (found.workflowId === `post:${waiting}`) return true;
    return null;
  });
  const description = await world.temporal.workflow.getHandle(`post:${waiting}`).describe();
  expect(await description.staticSummary()).toMatch(
    /^Publish a video to TikTok as @sandbox_creator at \d{4}-/,
  );
  const metadata = await world.temporal.workflow
    .getHandle(`post:${waiting}`)
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata');
  expect(metadata.currentDetails).toContain('scheduled');
});

test('Temporal accepts the filters in the operations guide', async () => {
  const guide = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');
  const [, table = ''] = guide.split('## Finding workflows');
  const queries = table
    .split('## ', 1)[0]
    ?.matchAll(/^\| [^|]+ \| `([^`]+)` \|$/gm)
    .map(([, query = '']) => query)
    .toArray();
  expect(queries?.length).toBeGreaterThan(8);
  for (const query of queries ?? [])
    expect((await world.temporal.workflow.count(query)).count).toBeGreaterThanOrEqual(0);
});
