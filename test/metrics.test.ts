import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { oauthAccounts } from '../db/schema.ts';
import { ownPort } from './ports.ts';
import { createWorld, type Json, until, type World } from './world.ts';

const OPS = fileURLToPath(new URL('../ops', import.meta.url));
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-/;

let world: World;
let workerUrl: string;
let account: string;

beforeAll(async () => {
  const port = await ownPort();
  workerUrl = `http://127.0.0.1:${port}`;
  world = await createWorld({ env: { EVERPOST_WORKER_PORT: String(port) } });
  account = await world.connect();
});
afterAll(() => world?.close());

async function ofServer(): Promise<string> {
  const { status, text } = await world.call('GET', '/metrics', { key: null });
  expect(status).toBe(200);
  return text;
}

async function ofWorker(): Promise<string> {
  const answer = await fetch(`${workerUrl}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  return answer.text();
}

/** The value of a series; null if there is none. */
function valueOf(text: string, name: string, labels: Record<string, string> = {}): number | null {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const line = text
    .split('\n')
    .find((row) => /^\w+/.exec(row)?.[0] === name && wanted.every((label) => row.includes(label)));
  return line === undefined ? null : Number(line.split(' ').at(-1));
}

/** Waits until a scrape has the series with this value. */
function untilValue(
  scrape: () => Promise<string>,
  value: number,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  return until(`${name} ${JSON.stringify(labels)} to be ${value}`, async () =>
    valueOf(await scrape(), name, labels) === value ? value : null,
  );
}

async function post(changes: Record<string, unknown> = {}): Promise<Json> {
  const mediaId = await world.upload();
  const answer = await world.publish({ accountId: account, mediaId, ...changes });
  expect(answer.status).toBe(202);
  return answer.body;
}

describe('a worker', () => {
  test('counts the posts that it ends, their time, and its provider calls', async () => {
    onTestFailed(() => world.tell());
    const tiktok = { provider: 'tiktok' };
    // They exist before anything has happened: otherwise the first event would be no increase.
    const before = await ofWorker();
    for (const state of ['published', 'failed', 'unknown'])
      expect(valueOf(before, 'everpost_posts_ended_total', { ...tiktok, state })).toBe(0);

    const { id } = await post();
    await world.untilPost(id, 'published');
    const published = { ...tiktok, state: 'published' };
    await untilValue(ofWorker, 1, 'everpost_posts_ended_total', published);
    const text = await ofWorker();
    expect(valueOf(text, 'everpost_post_due_to_published_seconds_count', tiktok)).toBe(1);
    expect(valueOf(text, 'everpost_post_due_to_published_seconds_sum', tiktok)).toBeGreaterThan(0);
    for (const call of ['api', 'upload'])
      expect(
        valueOf(text, 'everpost_provider_call_duration_seconds_count', { ...tiktok, call, outcome: 'ok' }),
      ).toBeGreaterThan(0);
  });

  test.for(['constructor', '__proto__', 'x{user="mallory"} 1', 'a\nb', 'é'.repeat(5000)])(
    'has our own error code as a label, not the provider’s: %j',
    async (code) => {
      onTestFailed(() => world.tell());
      const errors = { provider: 'tiktok', error_code: 'provider_refused' };
      const before = valueOf(await ofWorker(), 'everpost_post_errors_total', errors) ?? 0;
      await world.fault({ endpoint: 'video.init', kind: 'status', http: 400, code });
      const { id } = await post();
      expect((await world.untilPost(id, 'failed')).error).toMatchObject({ code: 'provider_refused' });
      await untilValue(ofWorker, before + 1, 'everpost_post_errors_total', errors);
      const text = await ofWorker();
      expect(text).not.toMatch(/constructor|__proto__|mallory|é/);
      expect(
        valueOf(text, 'everpost_provider_call_duration_seconds_count', { call: 'api', outcome: 'rejected' }),
      ).toBeGreaterThan(0);
    },
  );

  test('counts the repairs of its sweep, and the time of the last one', async () => {
    onTestFailed(() => world.tell());
    const { id } = await post({ scheduledAt: new Date(Date.now() + 86_400_000).toISOString() });
    await world.temporal.workflow.getHandle(`post:${id}`).terminate('for the test');
    await world.database.db.execute(sql`update posts set workflow_started_at = null where id = ${id}`);
    await until('the sweep to start it again', async () => ((await world.sweep()).posts > 0 ? true : null));
    const text = await ofWorker();
    expect(valueOf(text, 'everpost_sweep_repairs_total', { kind: 'posts' })).toBeGreaterThan(0);
    expect(valueOf(text, 'everpost_sweep_last_success_timestamp_seconds')).toBeGreaterThan(1e9);
  });

  test('counts the posts that start to wait for a quota', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'video.init', kind: 'status', http: 429, code: 'rate_limit_exceeded' });
    const { id } = await post();
    await world.untilPost(id, 'waiting_quota');
    const line = await until('the wait to be counted', async () => {
      const [found] = /everpost_quota_waits_total\{.*/.exec(await ofWorker()) ?? [];
      return found ?? null;
    });
    expect(line).toMatch(/\{provider="tiktok",quota="(init:direct|rate_limit_exceeded)"\} 1$/);
  });

  test('serves nothing else', async () => {
    expect(await (await fetch(`${workerUrl}/livez`)).json()).toEqual({ status: 'ok' });
    for (const path of ['/', '/metrics/x', '//livez', '/api/posts'])
      expect((await fetch(workerUrl + path)).status).toBe(404);
  });
});

describe('a server', () => {
  test('shows open posts by state, and the age of the oldest due one', async () => {
    onTestFailed(() => world.tell());
    const scheduled = { provider: 'tiktok', state: 'scheduled' };
    const before = valueOf(await ofServer(), 'everpost_posts', scheduled) ?? 0;
    const { id } = await post({ scheduledAt: new Date(Date.now() + 86_400_000).toISOString() });
    await untilValue(ofServer, before + 1, 'everpost_posts', scheduled);
    expect(valueOf(await ofServer(), 'everpost_posts_due', scheduled)).toBe(0);
    expect(valueOf(await ofServer(), 'everpost_posts', { provider: 'threads', state: 'processing' })).toBe(0);

    // As if no worker had run for two hours.
    await world.database.db.execute(
      sql`update posts set scheduled_at = now() - interval '2 hours' where id = ${id}`,
    );
    await untilValue(ofServer, 1, 'everpost_posts_due', scheduled);
    const age = valueOf(await ofServer(), 'everpost_posts_oldest_age_seconds', scheduled);
    expect(age).toBeGreaterThan(7000);
    expect(age).toBeLessThan(8000);
  });

  test('shows accounts by status, and tokens close to their end', async () => {
    const { db } = world.database;
    const tiktok = { provider: 'tiktok' };
    await untilValue(ofServer, 1, 'everpost_accounts', { ...tiktok, status: 'active' });
    const text = await ofServer();
    expect(valueOf(text, 'everpost_accounts', { ...tiktok, status: 'reauth_required' })).toBe(0);
    expect(valueOf(text, 'everpost_accounts_ending', { ...tiktok, within: '7d' })).toBe(0);

    const [kept] = await db.select().from(oauthAccounts);
    await db.execute(sql`update oauth_accounts set expires_at = now() - interval '1 minute',
      refresh_expires_at = now() + interval '2 hours'`);
    await untilValue(ofServer, 1, 'everpost_accounts_token_expired', tiktok);
    const ending = await ofServer();
    expect(valueOf(ending, 'everpost_accounts_ending', { ...tiktok, within: '1h' })).toBe(0);
    expect(valueOf(ending, 'everpost_accounts_ending', { ...tiktok, within: '1d' })).toBe(1);
    await db
      .update(oauthAccounts)
      .set({ expiresAt: kept?.expiresAt ?? null, refreshExpiresAt: kept?.refreshExpiresAt ?? null });
  });

  test('shows waiting events, and counts refused webhooks', async () => {
    await world.database.db
      .execute(sql`insert into webhook_events (provider, event_type, external_id, payload_json,
      workflow_started_at) values ('tiktok', 'x', 'waits', '{}', now()), ('tiktok', 'x', 'waits too', '{}', now())`);
    await untilValue(ofServer, 2, 'everpost_webhook_events', { provider: 'tiktok', state: 'waiting' });
    const refused = { provider: 'tiktok', code: 'invalid_signature' };
    const before = valueOf(await ofServer(), 'everpost_webhooks_refused_total', refused) ?? 0;
    await world.call('POST', '/api/webhooks/tiktok', { key: null, body: { event: 'x' } });
    await untilValue(ofServer, before + 1, 'everpost_webhooks_refused_total', refused);
  });

  test('reads the database once for all scrapes within some seconds, and does not wait for it', async () => {
    const { db } = world.database;
    const name = 'everpost_accounts';
    const before = valueOf(await ofServer(), name, { provider: 'tiktok', status: 'active' });
    expect(before).toBe(1);
    await db.transaction(async (tx) => {
      // Every reader of the table waits from now on.
      await tx.execute(sql`lock table ${oauthAccounts} in access exclusive mode`);
      const scrapes = await Promise.all(Array.from({ length: 20 }, ofServer));
      for (const text of scrapes) expect(valueOf(text, 'everpost_database_up')).not.toBeNull();
      await untilValue(ofServer, 0, 'everpost_database_up');
      expect(valueOf(await ofServer(), name)).toBeNull();
      const held: Json[] = await tx.execute(
        // The sweep may wait as well; only the metrics count.
        sql`select query from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%count(%'`,
      );
      expect(held.length).toBeLessThanOrEqual(1);
    });
    await untilValue(ofServer, 1, 'everpost_database_up');
  });
});

test('no metric names a user, an account, a post, a person or a host', async () => {
  for (const text of [await ofServer(), await ofWorker()]) {
    expect(text).not.toMatch(ID);
    for (const word of [world.user.key, 'sandbox_creator', '127.0.0.1', world.app.clientKey])
      expect(text).not.toContain(word);
    // Each metric has a description.
    for (const [, name] of text.matchAll(/^# TYPE (everpost_\w+)/gm))
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\S+`, 'm'));
  }
});

test('every metric in the rules of ops/ exists, and the docs have them all', async () => {
  const text = (await ofServer()) + (await ofWorker());
  const known = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].flatMap(([, name]) => name ?? []));
  const rules = readdirSync(OPS).filter((name) => name.endsWith('.rules.yml'));
  expect(rules).not.toEqual([]);
  const named = rules.flatMap((name) => metricsIn(readFileSync(join(OPS, name), 'utf8')));
  expect(named).not.toEqual([]);
  for (const name of named) expect(known).toContain(name);
  // The docs list all of them too.
  const docs = readFileSync(fileURLToPath(new URL('../docs/operations.md', import.meta.url)), 'utf8');
  const ours = [...known].filter((name) => name.startsWith('everpost_'));
  expect([...new Set(metricsIn(docs))].toSorted()).toEqual(ours.toSorted());
});

function metricsIn(text: string): string[] {
  return [...text.matchAll(/\beverpost_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
}
