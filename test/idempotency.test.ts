import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { ownPort } from './ports.ts';
import { createWorld, until, type Answer, type World } from './world.ts';

/* The same request, fifty times at once, to two server processes: one post, one live video. */

let world: World;
let mediaId: string;
let accountId: string;
let servers: readonly [string, string];
beforeAll(async () => {
  world = await createWorld();
  const port = await ownPort();
  await world.spawn('server', { PORT: String(port) });
  servers = [world.url, `http://127.0.0.1:${port}`];
  await until('the second server', async () =>
    (await world.call('GET', `${servers[1]}/livez`, { key: null }).catch(() => null))?.status === 200
      ? true
      : null,
  );
  mediaId = await world.upload();
});
afterAll(() => world?.close());

async function fifty(headers: Record<string, string>, changes: object = {}): Promise<Answer[]> {
  accountId = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
  const body = {
    accountId,
    source: 'FILE_UPLOAD',
    mediaId,
    mode: 'direct',
    postInfo: { title: 'once', privacy_level: 'PUBLIC_TO_EVERYONE' },
    ...changes,
  };
  return Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      world.call('POST', `${servers[index % 2 === 0 ? 0 : 1]}/api/tiktok/upload`, { body, headers }),
    ),
  );
}

/** Waits for the post's end. @returns the number of rows and live videos */
async function outcome(id: string): Promise<{ rows: number; live: number }> {
  await world.untilPost(id, 'published');
  const rows = await world.database.db.execute(
    sql`select 1 from posts where oauth_account_id = ${accountId}`,
  );
  const { openId } = (await world.call('GET', `/api/accounts/${accountId}`)).body;
  const live = (await world.publishes()).filter((row) => row.openId === openId && row.live);
  return { rows: rows.length, live: live.length };
}

test.for([
  ['', {}],
  [', also where duplicates are allowed', { allowDuplicate: true }],
  [', also where quotas are held for it', { onQuota: 'fail' }],
] as const)('with one key: one post, returned fifty times%s', async ([, changes]) => {
  onTestFailed(() => world.tell());
  const answers = await fifty({ 'idempotency-key': randomUUID() }, changes);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  const [id, ...others] = new Set(answers.map(({ body }) => body.id));
  expect(others).toEqual([]);
  const replayed = answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true');
  expect(replayed).toHaveLength(49);
  expect(await outcome(id)).toEqual({ rows: 1, live: 1 });
});

test('without a key: one is accepted, the others get its id', async () => {
  onTestFailed(() => world.tell());
  const answers = await fifty({});
  const [accepted, ...more] = answers.filter(({ status }) => status === 202);
  expect(more).toEqual([]);
  const refused = answers.filter(({ status }) => status === 409);
  expect(refused).toHaveLength(49);
  expect(new Set(refused.map(({ body }) => body.error.details.postId))).toEqual(new Set([accepted?.body.id]));
  expect(await outcome(accepted?.body.id)).toEqual({ rows: 1, live: 1 });
});
