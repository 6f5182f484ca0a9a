import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { createWorld, paddedVideo, until, type World } from './world.ts';

/* Posts and workflows that disagree: the missing or outdated one is repaired, and counted. */

let world: World;
let creator: string;
let accountId: string;
let mediaId: string;
beforeAll(async () => {
  world = await createWorld();
  // Tests run the sweep themselves.
  await world.temporal.schedule.getHandle('sweep').pause();
  mediaId = await world.upload();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  creator = `creator_${randomUUID().slice(0, 8)}`;
  accountId = await world.connect(creator);
  // The rows of other tests are compared first.
  await olden();
  await world.sweep();
});

/** Lets ten minutes pass for the rows that the sweep has compared. */
async function olden(): Promise<void> {
  await world.database.db.execute(sql`
    update posts set workflow_started_at = workflow_started_at - interval '11 minutes',
      workflow_checked_at = workflow_checked_at - interval '11 minutes'`);
}

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

async function scheduled(): Promise<string> {
  const { body } = await world.publish({ accountId, mediaId, allowDuplicate: true, scheduledAt: inAnHour() });
  return body.id;
}

const runs = async (id: string): Promise<boolean> =>
  (await world.temporal.workflow.getHandle(`post:${id}`).describe()).status.name === 'RUNNING';

/** As if Temporal had lost it. */
async function deleteWorkflow(id: string): Promise<void> {
  await world.connection.workflowService.deleteWorkflowExecution({
    namespace: world.name,
    workflowExecution: { workflowId: `post:${id}` },
  });
  await until('the workflow to be gone', async () =>
    runs(id).then(
      () => null,
      () => true,
    ),
  );
}

test('a scheduled post whose workflow is lost gets another one, and is published when it is due', async () => {
  onTestFailed(() => world.tell());
  const id = await scheduled();
  await deleteWorkflow(id);
  await olden();
  expect(await world.sweep()).toMatchObject({ orphans: 1, stragglers: 0 });
  expect(await runs(id)).toBe(true);
  expect(await world.getPost(id)).toMatchObject({ state: 'scheduled' });
  const soon = new Date(Date.now() + 1000).toISOString();
  await world.call('PATCH', `/api/posts/${id}`, { body: { scheduledAt: soon } });
  await world.untilPost(id, 'published');
});

test.each<[string, (id: string) => Promise<unknown>]>([
  [
    'the sweep',
    async () => {
      await olden();
      await world.sweep();
    },
  ],
  [
    'a change of time',
    (id) => world.call('PATCH', `/api/posts/${id}`, { body: { scheduledAt: inAnHour() } }),
  ],
  ['its creator’s return', () => world.connect(creator)],
])('%s starts a workflow that looks in the Temporal UI like the first one', async (_who, start) => {
  onTestFailed(() => world.tell());
  const id = await scheduled();
  const summary = async (): Promise<string | undefined> =>
    (await world.temporal.workflow.getHandle(`post:${id}`).describe()).staticSummary();
  const words = `Publish a video to TikTok as @${creator} at `;
  expect(await summary()).toContain(words);
  await deleteWorkflow(id);
  await start(id);
  await until('it to run', async () => ((await runs(id).catch(() => false)) ? true : null));
  expect(await summary()).toContain(words);
});

test('a post whose workflow is lost in the middle of the upload continues there: one live post', async () => {
  onTestFailed(() => world.tell());
  const big = await world.upload(paddedVideo(70_000_007));
  await world.fault({ endpoint: 'upload', kind: 'slow', ms: 2000, times: 0, after: 2 });
  const { body } = await world.publish({ accountId, mediaId: big });
  await until('two chunks', async () =>
    (await world.getPost(body.id)).progress?.sentBytes >= 20_000_000 ? true : null,
  );
  await world.temporal.workflow.getHandle(`post:${body.id}`).terminate('lost');
  await world.control('DELETE', '/faults');
  await olden();
  expect(await world.sweep()).toMatchObject({ orphans: 1 });
  const post = await world.untilPost(body.id, 'published');
  const { openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body;
  const made = (await world.publishes()).filter((row) => row.openId === openId);
  expect(made).toMatchObject([{ id: post.publishId, live: true }]);
});

test('a failing part does not delay the others', async () => {
  onTestFailed(() => world.tell());
  const { db } = world.database;
  const id = await scheduled();
  await deleteWorkflow(id);
  await olden();
  await db.execute(sql`alter table media rename to media_away`);
  const swept = world.sweep();
  try {
    await until('the post to have a workflow', async () => (await runs(id).catch(() => false)) || null);
  } finally {
    await db.execute(sql`alter table media_away rename to media`);
  }
  // The next try has nothing left to repair.
  expect(await swept).toMatchObject({ orphans: 0 });
});

test('a workflow whose post has ended without it ends too', async () => {
  onTestFailed(() => world.tell());
  const id = await scheduled();
  await world.database.db.execute(sql`update posts set state = 'cancelled' where id = ${id}`);
  await olden();
  expect(await world.sweep()).toMatchObject({ orphans: 0, stragglers: 1 });
  await until('the workflow to end', async () => ((await runs(id)) ? null : true));
});

test('consistent rows are left alone, and final ones are not checked again', async () => {
  onTestFailed(() => world.tell());
  const open = await scheduled();
  const done = (await world.publish({ accountId, mediaId, allowDuplicate: true })).body.id;
  await world.untilPost(done, 'published');
  await until('its workflow to end', async () => ((await runs(done)) ? null : true));
  for (let round = 0; round < 2; round += 1) {
    await olden();
    expect(await world.sweep()).toMatchObject({ orphans: 0, stragglers: 0 });
    await sleep(10);
  }
  const rows = await world.database.db.execute(sql`
    select id, workflow_ended_at is not null as ended, workflow_checked_at > now() - interval '5 minutes' as fresh
    from posts where id in (${open}, ${done}) order by ended`);
  expect(rows).toMatchObject([
    { id: open, ended: false, fresh: true },
    { id: done, ended: true, fresh: false },
  ]);
  expect(await runs(open)).toBe(true);
});

test('a post recorded as waiting after its creator was back is woken', async () => {
  onTestFailed(() => world.tell());
  const { db } = world.database;
  await db.execute(sql`update oauth_accounts set status = 'reauth_required' where id = ${accountId}`);
  const { body } = await world.publish({ accountId, mediaId, allowDuplicate: true });
  await world.untilPost(body.id, 'waiting_account');
  await db.execute(sql`
    update oauth_accounts set status = 'active', connected_at = now() - interval '20 seconds' where id = ${accountId}`);
  await db.execute(sql`
    update posts set created_at = now() - interval '21 seconds', updated_at = now() - interval '19 seconds'
    where id = ${body.id}`);
  expect((await world.sweep()).accounts).toBe(1);
  await world.untilPost(body.id, 'published');
});
