import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, onTestFinished, test } from 'vitest';
import { openDatabase } from '../db/client.ts';
import { migrateDatabase } from '../db/migrate.ts';
import type { Child } from '../stack/child.ts';
import { ownPort } from './ports.ts';
import { cloneDatabase, createWorld, type Json, until, type World } from './world.ts';

/*
 * A wrong database or namespace: `/readyz` says what is wrong, no work is taken, and everything continues by itself
 * once it is fixed.
 */

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());

const unique = (letter: string): string => `${letter}${randomBytes(6).toString('hex')}`;

/** Another server. @returns its URL */
async function server(more: Record<string, string>): Promise<string> {
  const port = await ownPort();
  const child = await world.spawn('server', { PORT: String(port), ...more });
  onTestFinished(() => child.stop());
  const url = `http://127.0.0.1:${port}`;
  await until('the server to be up', async () =>
    (await world.call('GET', `${url}/livez`, { key: null }).catch(() => null))?.status === 200 ? true : null,
  );
  return url;
}

async function worker(more: Record<string, string>): Promise<Child> {
  const child = await world.spawn('worker', more);
  onTestFinished(() => child.stop());
  return child;
}

const readiness = async (url: string): Promise<Json> => {
  const { status, body } = await world.call('GET', `${url}/readyz`, { key: null });
  expect(status).toBe(body.ready ? 200 : 503);
  return body;
};

/** Waits for a log line of a process with these words. */
const untilSays = (child: Child, words: RegExp): Promise<string> =>
  until(
    `${child.name} to say ${words}`,
    async () => words.exec(readFileSync(child.logFile, 'utf8'))?.[0] ?? null,
  );

async function newNamespace(): Promise<string> {
  const namespace = unique('n');
  await world.connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  return namespace;
}

/** A separate, changed database. @returns its URL */
async function changed(statement: string): Promise<string> {
  const url = await cloneDatabase(unique('r'));
  const database = openDatabase(url, 1);
  await database.db.execute(statement);
  await database.close();
  return url;
}

describe('an unusable database', () => {
  test('Without tables a server is not ready and a worker takes no work; both start by themselves after the migration.', async () => {
    onTestFailed(() => world.tell());
    const url = await changed(
      'drop schema public cascade; drop schema if exists drizzle cascade; create schema public',
    );
    // Another database is another installation, with its own media.
    const more = {
      DATABASE_URL: url,
      TEMPORAL_NAMESPACE: await newNamespace(),
      EVERPOST_MEDIA: `file:${world.dir}/media-without-tables`,
    };
    const [api, child] = await Promise.all([server(more), worker(more)]);
    const { ready, checks } = await readiness(api);
    expect(ready).toBe(false);
    expect(checks.database.message).toContain('npm run db:migrate');
    expect(await untilSays(child, /no work is taken yet.*/)).toContain('npm run db:migrate');
    expect(checks.workers.ok).toBe(false);

    await migrateDatabase(url);
    await until('both to be ready', async () => ((await readiness(api)).ready ? true : null));
  });

  test.for<[string, string, boolean, RegExp]>([
    [
      'An older schema is named, with what to do',
      'delete from __drizzle_migrations where id > 3',
      false,
      /older schema .*npm run db:migrate/,
    ],
    [
      'A newer schema is no fault: another version is being rolled out',
      `insert into __drizzle_migrations (hash, created_at) values ('later', 9000000000000)`,
      true,
      /^$/,
    ],
  ])('%s.', async ([, statement, ok, words]) => {
    const api = await server({ DATABASE_URL: await changed(statement) });
    const { database } = (await readiness(api)).checks;
    expect(database.ok).toBe(ok);
    expect(database.message ?? '').toMatch(words);
  });

  test.for<[string, (url: URL) => void, RegExp]>([
    ['A wrong password', (url) => (url.password = 'not-it'), /rejects the password/],
    ['A user that does not exist', (url) => (url.username = 'nobody'), /rejects the (password|login)/],
    ['A database that does not exist', (url) => (url.pathname = '/nowhere'), /does not exist/],
    ['A server without TLS where TLS is demanded', (url) => (url.search = '?sslmode=require'), /TLS/],
    ['A port where nothing listens', (url) => (url.port = '1'), /does not answer/],
  ])(
    '%s is reported without a name or a secret; a worker waits until it is fixed.',
    async ([, change, words]) => {
      const url = new URL(world.env.DATABASE_URL);
      change(url);
      const more = { DATABASE_URL: url.href };
      const [api, child] = await Promise.all([server(more), worker(more)]);
      const { ready, checks } = await readiness(api);
      expect(ready).toBe(false);
      expect(checks.database.message).toMatch(words);
      expect(JSON.stringify(checks)).not.toMatch(/not-it|nobody|nowhere/);
      expect(await untilSays(child, /no work is taken yet.*/)).toMatch(words);
      expect(child.isRunning()).toBe(true);
      // It has no work to finish.
      process.kill(child.pid, 'SIGTERM');
      expect(await child.exited).toBe('exit code 0');
      const answer = await world.call('GET', `${api}/api/posts`);
      expect(answer.body.error.code).toBe('database_unavailable');
    },
  );
});

test('Without its namespace a worker ends with the command that creates it, and a server reports it and accepts posts.', async () => {
  onTestFailed(() => world.tell());
  const more = { TEMPORAL_NAMESPACE: unique('nowhere') };
  const child = await worker(more);
  expect(await child.exited).toBe('exit code 1');
  const said = readFileSync(child.logFile, 'utf8');
  const command = `temporal operator namespace create --namespace ${more.TEMPORAL_NAMESPACE} --retention 7d`;
  expect(said).toContain(command);
  expect(said).not.toContain('    at ');

  const api = await server(more);
  const { temporal } = (await readiness(api)).checks;
  expect(temporal.message).toMatch(/does not exist: create it with "temporal operator namespace create"/);
  expect(temporal.message).not.toContain(more.TEMPORAL_NAMESPACE);
  expect(readFileSync(world.logFiles.at(-1) ?? '', 'utf8')).toContain(command);
  const link = await world.call('POST', `${api}/api/connect-links`, { body: { provider: 'tiktok' } });
  expect(link.status).toBe(201);
});

describe('a namespace of another installation', () => {
  test('Its workers take none of our work, ours none of its, and a post continues once its own namespace is used.', async () => {
    onTestFailed(() => world.tell());
    const account = await world.connect();
    const media = await world.upload();
    const namespace = await newNamespace();
    // Another installation owns it.
    const other = await worker({
      DATABASE_URL: await cloneDatabase(unique('r')),
      TEMPORAL_NAMESPACE: namespace,
    });
    await untilSays(other, /worker started/);

    const api = await server({ TEMPORAL_NAMESPACE: namespace });
    const { ready, checks } = await readiness(api);
    expect(ready).toBe(false);
    expect(checks.database.ok).toBe(true);
    expect(checks.temporal.message).toMatch(/belongs to another installation: .*namespace of its own/);
    // This is public: ids and names are only in the log.
    expect(checks.temporal.message).not.toContain(namespace);
    expect(checks.temporal.message).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
    const ours = await worker({ TEMPORAL_NAMESPACE: namespace });
    await untilSays(ours, /no work is taken yet: the Temporal namespace .* belongs to installation/);

    const { status, body: post } = await world.call('POST', `${api}/api/tiktok/upload`, {
      body: {
        accountId: account,
        source: 'FILE_UPLOAD',
        mediaId: media,
        mode: 'direct',
        postInfo: { title: unique('post '), privacy_level: 'PUBLIC_TO_EVERYONE' },
      },
    });
    expect([status, post.state]).toEqual([202, 'accepted']);
    const there = world.connection.workflowService.describeWorkflowExecution({
      namespace,
      execution: { workflowId: `post:${post.id}` },
    });
    await expect(there).rejects.toThrow(/not found/);
    const cancel = await world.call('POST', `${api}/api/posts/${post.id}/cancel`);
    expect(cancel.body.error?.code).toBe('temporal_unavailable');

    // The world's own worker sweeps in this installation's namespace.
    await world.database.db.execute(
      sql`update posts set created_at = created_at - interval '1 minute' where id = ${post.id}`,
    );
    await world.sweep();
    await world.untilPost(post.id, 'published');
    expect(ours.isRunning()).toBe(true);
    expect(readFileSync(ours.logFile, 'utf8')).not.toContain('worker started');
  });

  test('A namespace from an older version is taken over, with its operator’s settings.', async () => {
    const namespace = await newNamespace();
    const client = new Client({ connection: world.connection, namespace });
    const schedule = await client.schedule.create({
      scheduleId: 'sweep',
      spec: { intervals: [{ every: '7 minutes' }] },
      action: { type: 'startWorkflow', workflowType: 'sweep', workflowId: 'sweep', taskQueue: 'everpost' },
      state: { paused: true, note: 'as it was' },
    });
    const child = await worker({ TEMPORAL_NAMESPACE: namespace });
    await untilSays(child, /worker started/);
    const { action, state, spec } = await schedule.describe();
    const [row] = await world.database.db.execute<{ id: string }>(sql`select id from installation`);
    expect(action.memo).toEqual({ installation: row?.id });
    expect(state).toMatchObject({ paused: true, note: 'as it was' });
    expect(spec.intervals?.[0]?.every).toBe(420_000);
  });
});
