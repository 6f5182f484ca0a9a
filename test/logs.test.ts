import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Json, type World } from './world.ts';

/* The operator's view: lines that say what happened to which object, and nothing else. */

let world: World;
let accountId: string;
let mediaId: string;
beforeAll(async () => {
  world = await createWorld();
  accountId = await world.connect();
  mediaId = await world.upload();
});
afterAll(() => world?.close());

function lines(process: 'server' | 'worker'): Json[] {
  return world.logFiles
    .filter((file) => file.includes(`/${process}-`))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

const untilLine = (process: 'server' | 'worker', fits: (line: Json) => boolean): Promise<Json> =>
  until('a line in the log', async () => lines(process).find(fits) ?? null);

test('a publish to TikTok whose webhook comes after its end is logged in short lines without an error', async () => {
  onTestFailed(() => world.tell());
  const accepted = await world.publish({ accountId, mediaId });
  const { id, publishId } = await world.untilPost(accepted.body.id, 'published');
  const events = await until('its events to be applied', async () => {
    const { body } = await world.call('GET', '/api/debug/events', { key: world.secrets.adminKey });
    const own = body.data.filter(({ payload }: Json) => JSON.stringify(payload).includes(publishId));
    return own.length > 0 && own.every(({ processedAt }: Json) => processedAt !== null) ? own : null;
  });
  for (const { externalId } of events)
    await world.temporal.workflow.getHandle(`webhook:tiktok:${externalId}`).result();

  const done = await untilLine(
    'worker',
    ({ postId, activity }) => postId === id && activity === 'performWrite',
  );
  expect(done).toMatchObject({
    msg: 'activity done',
    workflowId: `post:${id}`,
    step: 'init',
    attempt: 1,
    ms: expect.any(Number),
    outcome: 'done',
    requestId: expect.any(String),
  });
  const noise = ['taskToken', 'activityId', 'namespace', 'taskQueue', 'workflowRunId', 'runId', 'isLocal'];
  expect(
    lines('worker').filter((line) => noise.some((name) => name in line && line.version === undefined)),
  ).toEqual([]);
  expect(lines('worker').filter(({ level }) => level >= 40)).toEqual([]);
  expect(JSON.stringify(lines('worker'))).not.toContain('Unable to signal');
});

test('a request’s log line names the user and the key id, never the key', async () => {
  const path = `/api/posts/${randomUUID()}`;
  await world.call('GET', path);
  const line = await untilLine('server', ({ req }) => req?.path === path);
  expect(line).toMatchObject({
    msg: 'request',
    statusCode: 404,
    userId: world.user.id,
    keyId: expect.any(String),
  });
  const rows = await world.database.db.execute(`select user_id from api_keys where id = '${line.keyId}'`);
  expect(rows).toEqual([{ user_id: world.user.id }]);
  expect(JSON.stringify(line)).not.toContain(world.user.key);

  const admin = `/api/debug/accounts/${randomUUID()}`;
  await world.call('GET', admin, { key: world.secrets.adminKey });
  expect(await untilLine('server', ({ req }) => req?.path === admin)).toMatchObject({ caller: 'admin' });
});

test.each(['server', 'worker'] as const)(
  'the start of a %s names version, providers and what is set',
  async (process) => {
    const line = await untilLine(process, ({ msg }) => msg === `${process} started`);
    expect(line).toMatchObject({
      version: JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version,
      providers: ['TikTok', 'Instagram (facebook_login)', 'Instagram (instagram_login)', 'Threads'],
      publicUrl: world.url,
      media: 'file',
      database: new URL(world.env.DATABASE_URL).host,
      namespace: world.name,
    });
    for (const secret of [...Object.values(world.secrets), new URL(world.env.DATABASE_URL).password])
      expect(JSON.stringify(line)).not.toContain(secret);
  },
);
