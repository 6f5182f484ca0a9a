import { createHash, createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { WorkflowNotFoundError } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import {
  createWorld,
  paddedVideo,
  sampleVideo,
  tusUpload,
  until,
  type Answer,
  type Json,
  type World,
} from './world.ts';
import { createVisitor } from '../stack/visitor.ts';
import { ownPort } from './ports.ts';

/*
 * PostgreSQL or Temporal is down, or everything is killed: accepted work happens, once. Servers that cannot reach one
 * of the two run beside one that can, and share its worker.
 */

let world: World;
let account: Json;
/** Accepts connections and never answers. */
let silent: Server;
const sockets = new Set<Socket>();
beforeAll(async () => {
  world = await createWorld();
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  // Tests run the sweep themselves.
  await world.temporal.schedule.getHandle('sweep').pause();
});
afterAll(async () => {
  await world?.close();
  for (const socket of sockets) socket.destroy();
  silent?.close();
});
// Inits are limited for each account.
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  const id = await world.connect(`creator_${randomUUID().slice(0, 8)}`);
  account = (await world.call('GET', `/api/accounts/${id}`)).body;
});

/** The ways of being down. */
type Away = 'refuses' | 'is silent';
const BOTH: Away[] = ['refuses', 'is silent'];

async function hostOf(away: Away): Promise<string> {
  const address = silent.address();
  const quiet = typeof address === 'object' ? address?.port : undefined;
  return `127.0.0.1:${away === 'refuses' ? await ownPort() : quiet}`;
}

/** Another server, which cannot reach the named one. @returns its URL */
async function serverWithout(what: { temporal?: Away; postgres?: Away }): Promise<string> {
  const port = await ownPort();
  await world.spawn('server', {
    PORT: String(port),
    ...(what.temporal === undefined ? {} : { TEMPORAL_ADDRESS: await hostOf(what.temporal) }),
    ...(what.postgres === undefined
      ? {}
      : { DATABASE_URL: `postgres://somebody:something@${await hostOf(what.postgres)}/everpost` }),
  });
  const url = `http://127.0.0.1:${port}`;
  await until('the server to be up', async () =>
    (await world.call('GET', `${url}/livez`, { key: null }).catch(() => null))?.status === 200 ? true : null,
  );
  return url;
}

/** An answer, with its milliseconds. */
async function timed(ask: () => Promise<Answer>): Promise<Answer & { ms: number }> {
  const start = performance.now();
  const answer = await ask();
  return { ...answer, ms: performance.now() - start };
}
const FEW_SECONDS = 6000;

/** The sweep leaves alone what the API may still be handling: lets ten seconds pass for a row. */
async function age(table: 'media' | 'webhook_events', id: string): Promise<void> {
  const at = sql.identifier(table === 'media' ? 'created_at' : 'received_at');
  await world.database.db.execute(
    sql`update ${sql.identifier(table)} set ${at} = ${at} - interval '10 seconds' where id = ${id}`,
  );
}

async function exists(workflowId: string): Promise<boolean> {
  try {
    await world.temporal.workflow.getHandle(workflowId).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The removal of the account's permission in TikTok's format, signed. */
function removal() {
  const body = JSON.stringify({
    client_key: world.app.clientKey,
    event: 'authorization.removed',
    create_time: Math.floor(Date.now() / 1000),
    user_openid: account.openId,
    content: '{"reason": 1 }',
  });
  const t = Math.floor(Date.now() / 1000);
  const s = createHmac('sha256', world.secrets.clientSecret).update(`${t}.${body}`).digest('hex');
  return (url: string): Promise<Answer> =>
    world.call('POST', `${url}/api/webhooks/tiktok`, {
      key: null,
      body,
      headers: { 'tiktok-signature': `t=${t},s=${s}` },
    });
}

const events = async (): Promise<Json[]> =>
  world.database.db.execute(sql`select * from webhook_events where provider_account_id = ${account.openId}`);

async function expectAppliedOnce(): Promise<void> {
  await until('the event to be applied', async () =>
    (await events())[0]?.processed_at == null ? null : true,
  );
  expect(await events()).toHaveLength(1);
  const { body } = await world.call('GET', `/api/accounts/${account.id}`);
  expect(body).toMatchObject({ status: 'reauth_required', statusReason: 'disconnected_by_creator' });
  const rows: Json[] = await world.database.db.execute(
    sql`select 1 from audit_log where action = 'account.reauth_required' and subject = ${account.id}`,
  );
  expect(rows).toHaveLength(1);
}

const liveOnes = async (title: string): Promise<Json[]> =>
  (await world.publishes()).filter((row) => row.postInfo?.title === title && row.live);

/** A post accepted by this server. @returns its id and title */
async function accept(url: string, mediaId: string): Promise<{ id: string; title: string; ms: number }> {
  const title = `post ${randomUUID()}`;
  const answer = await timed(() =>
    world.call('POST', `${url}/api/tiktok/upload`, {
      body: {
        accountId: account.id,
        mediaId,
        source: 'FILE_UPLOAD',
        mode: 'direct',
        postInfo: { title, privacy_level: 'PUBLIC_TO_EVERYONE' },
      },
    }),
  );
  if (answer.status !== 202) throw new Error(`not accepted: ${answer.text}`);
  return { id: answer.body.id, title, ms: answer.ms };
}

describe.for(BOTH)('a server whose Temporal %s', (away) => {
  let url: string;
  beforeAll(async () => {
    url = await serverWithout({ temporal: away });
  });

  test('accepts a post, which the sweep starts', async () => {
    onTestFailed(() => world.tell());
    const { id, title, ms } = await accept(url, await world.upload());
    expect(ms).toBeLessThan(FEW_SECONDS);
    expect(await exists(`post:${id}`)).toBe(false);
    expect(await world.getPost(id)).toMatchObject({ state: 'accepted', workflowId: `post:${id}` });
    await world.sweep();
    const post = await world.untilPost(id, 'published');
    await world.sweep();
    expect((await liveOnes(title)).map((row) => row.id)).toEqual([post.publishId]);
  });

  test('reconnects an account, whose posts the sweep wakes', async () => {
    onTestFailed(() => world.tell());
    expect((await removal()(world.url)).status).toBe(200);
    await until('the account to be out of service', async () =>
      (await world.call('GET', `/api/accounts/${account.id}`)).body.status === 'active' ? null : true,
    );
    const { id } = await accept(world.url, await world.upload());
    await world.untilPost(id, 'waiting_account');
    const here = (address: string | null): string => (address ?? '').replace(world.url, url);
    const link = await world.call('POST', '/api/connect-links', { body: { provider: 'tiktok' } });
    const visitor = createVisitor();
    const start = await visitor.openLink(here(link.body.url));
    await world.control('POST', '/consent', { decision: 'approve', creator: account.username });
    const consent = await visitor.get(start.location ?? '');
    const end = await visitor.get(here(consent.location), { accept: 'application/json' });
    expect(end.status).toBe(200);
    expect(await world.getPost(id)).toMatchObject({ state: 'waiting_account' });
    // Lets a minute pass.
    await world.database.db.execute(sql`
      update posts set created_at = created_at - interval '1 minute', updated_at = updated_at - interval '1 minute'
      where id = ${id}`);
    await world.database.db.execute(
      sql`update oauth_accounts set connected_at = connected_at - interval '30 seconds' where id = ${account.id}`,
    );
    await world.sweep();
    await world.untilPost(id, 'published');
  });

  test('accepts an upload, which the sweep has inspected', async () => {
    onTestFailed(() => world.tell());
    const bytes = sampleVideo();
    const made = await timed(() =>
      world.call('POST', `${url}/api/media`, {
        body: { filename: 'v.mp4', contentType: 'video/mp4', size: bytes.length },
      }),
    );
    expect(made.status).toBe(201);
    expect(made.ms).toBeLessThan(FEW_SECONDS);
    await tusUpload(made.body.uploadUrl, bytes, world.user.key);
    const path = `/api/media/${made.body.id}`;
    expect((await world.call('GET', path)).body.state).toBe('uploading');
    expect(await exists(`media:${made.body.id}`)).toBe(false);
    await age('media', made.body.id);
    await world.sweep();
    const media = await until('the media to be examined', async () => {
      const { body } = await world.call('GET', path);
      return body.state === 'uploading' ? null : body;
    });
    expect(media).toMatchObject({
      state: 'ready',
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
  });

  test('accepts the last byte of an upload whose workflow waits for it: the sweep signals it', async () => {
    onTestFailed(() => world.tell());
    const bytes = sampleVideo();
    const made = await world.call('POST', '/api/media', {
      body: { filename: 'v.mp4', contentType: 'video/mp4', size: bytes.length },
    });
    expect(await exists(`media:${made.body.id}`)).toBe(true);
    await tusUpload(made.body.uploadUrl.replace(world.url, url), bytes, world.user.key);
    // Lets a minute pass.
    const rows: Json[] = await world.database.db.execute(
      sql`update media set uploaded_at = uploaded_at - interval '2 minutes' where id = ${made.body.id} and uploaded_at is not null returning 1`,
    );
    expect(rows).toHaveLength(1);
    await world.sweep();
    await until('the media to be ready', async () =>
      (await world.call('GET', `/api/media/${made.body.id}`)).body.state === 'ready' ? true : null,
    );
  });

  test('stores an event, which the sweep has applied', async () => {
    onTestFailed(() => world.tell());
    const deliver = removal();
    const answer = await timed(() => deliver(url));
    expect(answer.status).toBe(200);
    expect(answer.ms).toBeLessThan(1000);
    const [event] = await events();
    expect(event).toMatchObject({ processed_at: null, workflow_started_at: null });
    expect(await exists(`webhook:tiktok:${event.external_id}`)).toBe(false);
    await age('webhook_events', event.id);
    await world.sweep();
    await expectAppliedOnce();
    await world.sweep();
    expect((await deliver(world.url)).status).toBe(200);
    await expectAppliedOnce();
  });

  test('says so if it needs the answer', async () => {
    onTestFailed(() => world.tell());
    const event: Json = await world.control('POST', '/tiktok/webhooks/send', {
      event: 'something.new',
      openId: account.openId,
    });
    expect(event.state).toBe('pending');
    const stored = await until('the event', async () => (await events())[0] ?? null);
    const answer = await timed(() =>
      world.call('POST', `${url}/api/debug/events/${stored.id}/replay`, { key: world.secrets.adminKey }),
    );
    expect(answer.status).toBe(503);
    expect(answer.body.error).toMatchObject({ code: 'temporal_unavailable', retryable: true });
    expect(answer.ms).toBeLessThan(FEW_SECONDS);
    const ready = await world.call('GET', `${url}/readyz`, { key: null });
    expect(ready.status).toBe(503);
    expect(ready.body.checks).toMatchObject({ database: { ok: true }, temporal: { ok: false } });
  });
});

describe.for(BOTH)('a server whose PostgreSQL %s', (away) => {
  let url: string;
  beforeAll(async () => {
    url = await serverWithout({ postgres: away });
  });

  test('says so within a few seconds', async () => {
    onTestFailed(() => world.tell());
    const asked = await Promise.all([
      timed(() => world.call('GET', `${url}/api/accounts`)),
      timed(() => world.call('GET', `${url}/api/posts/${randomUUID()}`)),
      timed(() =>
        world.call('POST', `${url}/api/tiktok/upload`, {
          body: { accountId: account.id, source: 'FILE_UPLOAD', mediaId: randomUUID(), mode: 'inbox' },
        }),
      ),
      timed(() => world.call('POST', `${url}/api/connect-links`, { body: { provider: 'tiktok' } })),
      timed(() => world.call('GET', `${url}/api/auth/tiktok?link=nothing`, { key: null })),
      timed(() => world.call('GET', `${url}/api/debug/events`, { key: world.secrets.adminKey })),
    ]);
    for (const { status, body, headers, ms } of asked) {
      expect(status).toBe(503);
      expect(body.error).toMatchObject({ code: 'database_unavailable', retryable: true });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(ms).toBeLessThan(FEW_SECONDS);
    }
    const ready = await world.call('GET', `${url}/readyz`, { key: null });
    expect(ready.status).toBe(503);
    expect(ready.body.checks).toMatchObject({ database: { ok: false }, temporal: { ok: true } });
    expect((await world.call('GET', `${url}/livez`, { key: null })).status).toBe(200);
  });

  test('accepts an event all the same: its workflow stores and applies it once', async () => {
    onTestFailed(() => world.tell());
    const deliver = removal();
    const answers = await Promise.all([1, 2, 3].map(() => timed(() => deliver(url))));
    for (const { status, ms } of answers) {
      expect(status).toBe(200);
      expect(ms).toBeLessThan(FEW_SECONDS);
    }
    await expectAppliedOnce();
    expect((await deliver(url)).status).toBe(200);
    expect((await deliver(world.url)).status).toBe(200);
    await expectAppliedOnce();
  });

  test('refuses a forged event', async () => {
    onTestFailed(() => world.tell());
    const answer = await timed(() =>
      world.call('POST', `${url}/api/webhooks/tiktok`, {
        key: null,
        body: '{}',
        headers: { 'tiktok-signature': `t=${Math.floor(Date.now() / 1000)},s=${'0'.repeat(64)}` },
      }),
    );
    expect(answer.status).toBe(401);
    expect(answer.ms).toBeLessThan(FEW_SECONDS);
  });
});

test.for(BOTH)(
  'a server that cannot keep an event anywhere asks for it again: both %s',
  async (away, { onTestFailed: failed }) => {
    failed(() => world.tell());
    const url = await serverWithout({
      postgres: away === 'refuses' ? 'refuses' : 'is silent',
      temporal: away,
    });
    const deliver = removal();
    const answer = await timed(() => deliver(url));
    expect(answer.status).toBe(503);
    expect(answer.body.error).toMatchObject({ code: 'database_unavailable', retryable: true });
    expect(answer.ms).toBeLessThan(FEW_SECONDS);
    expect(await events()).toEqual([]);
    expect((await deliver(world.url)).status).toBe(200);
    await expectAppliedOnce();
  },
);

test('an event that is stored late, after its workflow took it over, is applied once', async () => {
  onTestFailed(() => world.tell());
  const deliver = removal();
  await world.database.db.transaction(async (tx) => {
    await tx.execute(sql`lock table webhook_events in access exclusive mode`);
    const answer = await timed(() => deliver(world.url));
    expect(answer.status).toBe(200);
    expect(answer.ms).toBeLessThan(FEW_SECONDS);
    // Both inserts wait for the table now: the server's, which nobody awaits any more, and the workflow's.
    await until('two inserts to wait', async () => {
      // Not on `tx`: a transaction sees the activity as of its start.
      const waiting: Json[] = await world.database.db.execute(
        sql`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into "webhook_events"%'`,
      );
      return waiting.length === 2 ? true : null;
    });
  });
  await expectAppliedOnce();
});

test('server and worker are killed in the middle of an upload: one live post, byte for byte', async () => {
  onTestFailed(() => world.tell());
  const bytes = paddedVideo(70_000_007);
  const mediaId = await world.upload(bytes);
  await world.control('DELETE', '/requests');
  await world.fault({ endpoint: 'upload', kind: 'slow', ms: 6000, after: 3 });
  const { id, title } = await accept(world.url, mediaId);
  await until('the fourth chunk', async () => ((await world.requests('upload')).length >= 4 ? true : null));
  const all = world.children.filter((child) => child.isRunning());
  for (const { pid } of all) process.kill(pid, 'SIGKILL');
  await Promise.all(all.map(({ exited }) => exited));
  await world.spawn('server');
  await world.spawn('worker');
  await until('the server to be up', async () =>
    (await world.call('GET', '/livez', { key: null }).catch(() => null))?.status === 200 ? true : null,
  );
  const post = await world.untilPost(id, 'published');
  expect((await world.publishes()).filter((row) => row.postInfo?.title === title)).toHaveLength(1);
  expect(await liveOnes(title)).toEqual([
    expect.objectContaining({
      id: post.publishId,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }),
  ]);
});
