import { ScheduleNotFoundError } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInstagramWorld } from '../sandbox/testing/instagram.ts';
import { SYNC_DUE_ID } from '../temporal/names.ts';
import { scheduleSync } from '../temporal/sync.ts';
import { createWorld, until, type World } from './world.ts';

/* EVERPOST_SYNC=off after a run that copied: nothing is copied, and no workflow waits for a worker. */

let world: World;
beforeAll(async () => {
  world = await createWorld({
    worker: false,
    // Instagram tells apps of comments only with these.
    env: {
      EVERPOST_SYNC: 'off',
      INSTAGRAM_SCOPES:
        'instagram_basic,instagram_content_publish,pages_show_list,pages_read_engagement,instagram_manage_comments,pages_manage_metadata',
    },
  });
  await scheduleSync(world.temporal);
  await world.spawn('worker');
});
afterAll(() => world?.close());

test('a worker removes the Schedule of sync', async () => {
  const gone = await until('the Schedule to be gone', async () => {
    try {
      await world.temporal.schedule.getHandle(SYNC_DUE_ID).describe();
      return null;
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return true;
      throw error;
    }
  });
  expect(gone).toBe(true);
});

test('asking for sync is refused, and an account has no streams', async () => {
  const account = await world.connect();
  const asked = await world.call('POST', `/api/accounts/${account}/sync`, {});
  expect(asked.status).toBe(409);
  expect(asked.body.error.code).toBe('sync_off');
  const told = await world.call('GET', `/api/accounts/${account}/sync`);
  expect(told.body).toEqual({ data: [], nextCursor: null });
  expect(await world.database.db.execute(sql`select stream from sync_states`)).toHaveLength(0);
  await expect(world.temporal.workflow.getHandle(`sync:${account}`).describe()).rejects.toThrow(/not found/i);
});

test('a comment that a webhook tells is stored all the same, and starts no round', async () => {
  const instagram = createInstagramWorld(world.sandbox.url);
  const { answer } = await world.visitConsent({}, world.user.key, 'instagram');
  const account: string = answer.body.accounts[0].id;
  const media = await instagram.makeMedia();
  const comment = await instagram.comment(media.id, 'told by an event', { username: 'fan' });
  const list = `/api/accounts/${account}/comments`;
  const [copy] = await until('the comment', async () => {
    const { body } = await world.call('GET', list);
    return body.data.length > 0 ? body.data : null;
  });
  expect(copy).toMatchObject({
    providerCommentId: comment.id,
    text: 'told by an event',
    author: 'fan',
    state: 'visible',
  });
  expect(
    await world.database.db.execute(sql`select source, read_at from ig_comments where ig_id = ${comment.id}`),
  ).toMatchObject([{ source: 'webhook', read_at: null }]);
  await expect(world.temporal.workflow.getHandle(`sync:${account}`).describe()).rejects.toThrow(/not found/i);
});
