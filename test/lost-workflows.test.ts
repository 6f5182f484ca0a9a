import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Json, type World } from './world.ts';

/*
 * Uploads, deletions and events whose workflow is gone, for example after a click on Terminate or with a new Temporal
 * database: the sweep restarts them. For posts see test/sweep.test.ts, for keepers test/keepers.test.ts.
 */

let world: World;
beforeAll(async () => {
  world = await createWorld();
  // Tests run the sweep themselves.
  await world.temporal.schedule.getHandle('sweep').pause();
});
afterAll(() => world?.close());

const status = async (workflowId: string): Promise<string> =>
  (await world.temporal.workflow.getHandle(workflowId).describe()).status.name;

const untilRunning = (workflowId: string): Promise<true> =>
  until(`${workflowId} to run`, async () =>
    (await status(workflowId).catch(() => null)) === 'RUNNING' ? true : null,
  );

/** @param how terminated, or as if it had never existed */
async function lose(workflowId: string, how: 'terminated' | 'deleted'): Promise<void> {
  if (how === 'terminated') await world.temporal.workflow.getHandle(workflowId).terminate('lost');
  else
    await world.connection.workflowService.deleteWorkflowExecution({
      namespace: world.name,
      workflowExecution: { workflowId },
    });
  // Visibility lags a moment behind.
  await until('it to be gone', async () => {
    const { count } = await world.temporal.workflow.count(query(workflowId));
    return count === 0 ? true : null;
  });
}

const unit = (text: string): object => ({ mediaType: 'TEXT', postInfo: { text } });

const query = (workflowId: string): string =>
  `ExecutionStatus = 'Running' and WorkflowId = "${workflowId.replaceAll('"', '\\"')}"`;

/** Ages the rows until the sweep checks them again. */
async function olden(): Promise<void> {
  const { db } = world.database;
  await db.execute(sql`update posts set deletion_started_at = deletion_started_at - interval '2 minutes'`);
  await db.execute(
    sql`update webhook_events set workflow_started_at = workflow_started_at - interval '2 minutes'`,
  );
}

test.each(['terminated', 'deleted'] as const)(
  'an upload whose workflow is %s is given up in the end',
  async (how) => {
    onTestFailed(() => world.tell());
    const made = await world.call('POST', '/api/media', {
      body: { filename: 'v.mp4', contentType: 'video/mp4', size: 5000 },
    });
    const { id } = made.body;
    await untilRunning(`media:${id}`);
    await lose(`media:${id}`, how);
    expect(await world.sweep()).toMatchObject({ media: 0 });
    await world.database.db.execute(
      sql`update media set expires_at = now() - interval '2 minutes' where id = ${id}`,
    );
    expect(await world.sweep()).toMatchObject({ media: 1 });
    await until('it to be given up', async () =>
      (await world.call('GET', `/api/media/${id}`)).body.state === 'expired' ? true : null,
    );
    expect(await world.sweep()).toMatchObject({ media: 0 });
  },
);

test.each(['terminated', 'deleted'] as const)(
  'a deletion whose workflow is %s goes on where it was',
  async (how) => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/threads/profiles', { username: `deletes_${how}` });
    const { answer } = await world.visitConsent({ creator: `deletes_${how}` }, world.user.key, 'threads');
    const accountId = answer.body.accounts[0].id;
    const { body } = await world.call('POST', '/api/threads/publish', {
      body: { accountId, ...unit(`one ${how}`), replies: [unit(`two ${how}`)] },
    });
    const post = await world.untilPost(body.id, 'published');
    await world.control('DELETE', '/requests');
    // The last post is deleted, the first one not yet.
    await world.fault({ endpoint: 'threads.delete', kind: 'status', http: 500, after: 1, times: 0 });
    expect((await world.call('DELETE', `/api/posts/${post.id}`)).status).toBe(202);
    await until('one to be deleted, and the other tried', async () =>
      (await world.requests('threads.delete')).length > 1 ? true : null,
    );
    await lose(`delete:${post.id}`, how);
    await world.control('DELETE', '/faults');
    expect(await world.sweep()).toMatchObject({ deletions: 0 });
    await olden();
    expect(await world.sweep()).toMatchObject({ deletions: 1 });
    await until('the post to be deleted', async () => (await world.getPost(post.id)).deletedAt);
    const live: Json = await world.control('GET', '/threads/posts');
    expect(live.filter(({ text }: Json) => text.endsWith(how))).toEqual([]);
    await olden();
    expect(await world.sweep()).toMatchObject({ deletions: 0 });
  },
);

test('a running deletion is left alone, and a refused one is not restarted', async () => {
  onTestFailed(() => world.tell());
  const { answer } = await world.visitConsent({}, world.user.key, 'threads');
  const accountId = answer.body.accounts[0].id;
  const publish = async (text: string): Promise<string> => {
    const { body } = await world.call('POST', '/api/threads/publish', {
      body: { accountId, ...unit(text) },
    });
    return (await world.untilPost(body.id, 'published')).id;
  };
  const [refused, open] = [await publish('refused'), await publish('under way')];
  const refusal = { kind: 'status', http: 400, code: '10', message: 'no permission' };
  await world.fault({ endpoint: 'threads.delete', times: 1, ...refusal });
  await world.call('DELETE', `/api/posts/${refused}`);
  await until('the refusal', async () => (await world.getPost(refused)).deletion?.error);
  await world.fault({ endpoint: 'threads.delete', kind: 'status', http: 500, times: 0 });
  await world.call('DELETE', `/api/posts/${open}`);
  await untilRunning(`delete:${open}`);
  for (let round = 0; round < 2; round += 1) {
    await olden();
    expect(await world.sweep()).toMatchObject({ deletions: 0 });
  }
  expect(await status(`delete:${open}`)).toBe('RUNNING');
  await world.control('DELETE', '/faults');
});

/** Lets TikTok send an event. @returns the event's row and its workflow's id */
async function told(event: object): Promise<{ id: string; workflowId: string }> {
  const before = new Set((await events()).map(({ id }) => id));
  await world.control('POST', '/tiktok/webhooks/send', event);
  const row = await until(
    'the event',
    async () => (await events()).find(({ id }) => !before.has(id)) ?? null,
  );
  return { id: row.id, workflowId: `webhook:tiktok:${row.external_id}` };
}

const events = async (): Promise<Json[]> => world.database.db.execute(sql`select * from webhook_events`);
const rowOf = async (id: string): Promise<Json> => (await events()).find((row) => row.id === id);

test.each([
  ['terminated', 'v_pub_file~v2.1'],
  ['deleted', 'v_pub_file~v2.2'],
  // The provider chooses the ids.
  ['terminated', `it's \\' "3" \\`],
] as const)('an event whose workflow is %s is applied (%s)', async (how, publishId) => {
  onTestFailed(() => world.tell());
  const accountId = await world.connect(`told_${how}`);
  const { openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body;
  const { id, workflowId } = await told({
    event: 'post.publish.complete',
    openId,
    content: { publish_id: publishId, publish_type: 'DIRECT_PUBLISH' },
  });
  await until('a try', async () => (await rowOf(id)).error_message);
  await lose(workflowId, how);
  const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
  const { body: post } = await world.publish({
    accountId,
    mediaId: await world.upload(),
    allowDuplicate: true,
    scheduledAt,
  });
  await world.database.db.execute(sql`update posts set publish_id = ${publishId} where id = ${post.id}`);
  expect(await world.sweep()).toMatchObject({ events: 0 });
  await olden();
  expect(await world.sweep()).toMatchObject({ events: 1 });
  await world.untilPost(post.id, 'published');
  await until('the event to be applied', async () => (await rowOf(id)).processed_at);
  await olden();
  expect(await world.sweep()).toMatchObject({ events: 0 });
});

test('a waiting event is left alone, and an abandoned one is not restarted until it is replayed', async () => {
  onTestFailed(() => world.tell());
  const waiting = await told({
    event: 'post.publish.complete',
    openId: 'somebody',
    content: { publish_id: 'nobody knows it', publish_type: 'DIRECT_PUBLISH' },
  });
  const stranger = await told({
    event: 'authorization.removed',
    openId: 'a stranger',
    content: { reason: 1 },
  });
  await until('its end', async () => ((await status(stranger.workflowId)) === 'COMPLETED' ? true : null));
  for (let round = 0; round < 2; round += 1) {
    await olden();
    expect(await world.sweep()).toMatchObject({ events: 0 });
  }
  expect(await status(waiting.workflowId)).toBe('RUNNING');
  expect(await rowOf(stranger.id)).toMatchObject({ processed_at: null });

  const key = world.secrets.adminKey;
  expect((await world.call('POST', `/api/debug/events/${stranger.id}/replay`, { key })).status).toBe(202);
  await until('its end', async () => ((await rowOf(stranger.id)).given_up_at === null ? null : true));
});

test('a deleted Schedule of the sweep is recreated while the worker runs', async () => {
  onTestFailed(() => world.tell());
  const schedule = world.temporal.schedule.getHandle('sweep');
  expect((await schedule.describe()).state.paused).toBe(true);
  await schedule.delete();
  const { state } = await until('it to be back', () => schedule.describe().catch(() => null));
  expect(state.paused).toBe(false);
  expect(await world.sweep()).toMatchObject({ orphans: 0 });
});
