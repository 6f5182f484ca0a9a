import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { buildApp } from '../api/app.ts';
import { readConfig } from '../config.ts';
import { createEnvelope } from '../crypto/envelope.ts';
import { localKeyProvider } from '../crypto/keys.ts';
import { createMediaLinks } from '../crypto/media-links.ts';
import { openMediaStore } from '../media/open.ts';
import { createProviders } from '../providers/index.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/*
 * The costs that somebody without a key can cause: memory, rows and calls to other systems are bounded; other clients
 * continue.
 */

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());

const rows = async (query: ReturnType<typeof sql>): Promise<Json[]> => [
  ...(await world.database.db.execute<Json>(query)),
];
const count = async (query: ReturnType<typeof sql>): Promise<number> => Number((await rows(query))[0].count);

/** Opens a request and sends only this part of its body. @returns the server's answer, once it has ended */
async function begin(path: string, headers: Record<string, string>, body = ''): Promise<string> {
  const { port, host } = new URL(world.url);
  const socket = connect(Number(port), '127.0.0.1');
  const lines = Object.entries({ host, 'content-type': 'application/json', ...headers });
  socket.write(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  );
  // Long before Node.js would close a kept-alive connection.
  socket.setTimeout(40_000, () => socket.destroy(new Error('the server keeps the connection')));
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts).toString();
}

const META_SIGNATURE = `sha256=${'0'.repeat(64)}`;
const tiktokSignature = (body: string, secret: string, t = Math.floor(Date.now() / 1000)): string =>
  `t=${t},s=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`;
const deliver = (body: string, headers: Record<string, string>): Promise<Answer> =>
  world.call('POST', '/api/webhooks/tiktok', { key: null, body, headers });

describe('a webhook body', () => {
  test.each([
    ['tiktok', 'without a signature', {}],
    ['tiktok', 'with half of a signature', { 'tiktok-signature': `t=${Math.floor(Date.now() / 1000)}` }],
    ['tiktok', 'with a signature of long ago', { 'tiktok-signature': `t=1,s=${'0'.repeat(64)}` }],
    ['instagram', 'without a signature', {}],
    ['instagram', 'with the old signature only', { 'x-hub-signature': `sha1=${'0'.repeat(40)}` }],
    ['threads', 'with words for a signature', { 'x-hub-signature-256': 'sha256=yes' }],
  ])('for %s %s is not waited for', async (provider, _what, headers) => {
    const answer = await begin(`/api/webhooks/${provider}`, { 'content-length': '16000000', ...headers });
    expect(answer).toMatch(/^HTTP\/1.1 401 /);
    expect(answer).toContain('"code":"invalid_signature"');
  });

  test('that does not arrive ends its connection', async () => {
    const answer = await begin(
      '/api/webhooks/instagram',
      { 'content-length': '1000000', 'x-hub-signature-256': META_SIGNATURE },
      'x'.repeat(1000),
    );
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
  });

  test('has a small limit at TikTok', async () => {
    const body = JSON.stringify({ event: 'x', content: 'x'.repeat(300_000) });
    const answer = await deliver(body, {
      'tiktok-signature': tiktokSignature(body, world.secrets.clientSecret),
    });
    expect([answer.status, answer.body.error.code]).toEqual([413, 'body_too_large']);
  });

  test('of a short event arrives while attackers send as many long ones as they can', async () => {
    onTestFailed(() => world.tell());
    const length = 8_000_000;
    const strangers = Array.from({ length: 24 }, () =>
      begin(
        '/api/webhooks/instagram',
        { 'content-length': String(length), 'x-hub-signature-256': META_SIGNATURE },
        'x'.repeat(length - 1),
      ).catch(() => ''),
    );
    const first = await Promise.race(strangers);
    expect(first === '' || first.startsWith('HTTP/1.1 503 ')).toBe(true);
    const body = JSON.stringify({ event: `short.${randomUUID()}` });
    const answer = await deliver(body, {
      'tiktok-signature': tiktokSignature(body, world.secrets.clientSecret),
    });
    expect([answer.status, answer.body]).toEqual([200, { received: 1 }]);
    const answers = await Promise.all(strangers);
    expect(answers.filter((text) => text.startsWith('HTTP/1.1 503 ')).length).toBeGreaterThan(0);
  });
});

/** Announces a body with a forged signature, and sends this much of it. @returns the answer, at the end */
const stranger = (length: number, sent: number): Promise<string> =>
  begin(
    '/api/webhooks/instagram',
    { 'content-length': String(length), 'x-hub-signature-256': META_SIGNATURE },
    'x'.repeat(sent),
  ).catch(() => '');

/** Delivers a genuine event of this many bytes. */
async function deliverGenuine(bytes: number): Promise<Answer> {
  const value = { id: randomUUID(), text: 'x'.repeat(bytes) };
  const entry = [{ id: randomUUID(), time: 1, changes: [{ field: 'comments', value }] }];
  const body = JSON.stringify({ object: 'instagram', entry });
  const signature = createHmac('sha256', world.secrets.instagramSecret).update(body).digest('hex');
  const headers = { 'x-hub-signature-256': `sha256=${signature}` };
  return world.call('POST', '/api/webhooks/instagram', { key: null, body, headers });
}

describe('attackers who hold back their bodies', () => {
  test('lose their places to genuine events, though they hold all of them', async () => {
    onTestFailed(() => world.tell());
    // A few more than the places: once one is answered 503, all places are taken.
    const strangers = Array.from({ length: 1_050 }, () => stranger(60_000, 0));
    expect(await Promise.race(strangers)).toMatch(/^HTTP\/1.1 503 /);
    const answers = await Promise.all(Array.from({ length: 20 }, () => deliverGenuine(1_000)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const texts = await Promise.all(strangers);
    expect(texts.filter((text) => text.startsWith('HTTP/1.1 503 ')).length).toBeGreaterThanOrEqual(50);
  });

  test('lose the budget for long bodies to a genuine one, though they fill it', async () => {
    onTestFailed(() => world.tell());
    const length = 8_000_000;
    const strangers = Array.from({ length: 12 }, () => stranger(length, length - 1));
    expect(await Promise.race(strangers)).toMatch(/^(HTTP\/1.1 503 |$)/);
    await until(
      'a long event to be taken',
      async () => {
        // A request refused early may see its connection end.
        const answer = await deliverGenuine(4_000_000).catch(() => null);
        if (answer === null || answer.status === 503) return null;
        expect(answer.status).toBe(200);
        return true;
      },
      5_000,
    );
    await Promise.all(strangers);
  });
});

describe('the audit log', () => {
  const refused = sql`select count(*) from audit_log where action in ('webhook.refused', 'access.refused')`;

  test('grows by a few rows a minute, however many calls are refused', async () => {
    const before = await count(refused);
    for (let round = 0; round < 100; round += 1) {
      const unsigned = await deliver('{}', {});
      const unknown = await world.call('GET', '/api/posts', { key: `ep_${'x'.repeat(43)}` });
      expect([unsigned.status, unknown.status]).toEqual([401, 401]);
    }
    const after = await count(refused);
    // The minute may have changed once meanwhile.
    expect(after - before).toBeLessThanOrEqual(40);
    expect(after).toBeGreaterThan(0);
  });
});

describe('invalid keys', () => {
  test('are not looked up once an address has tried too many, while known keys continue', async () => {
    const guess = (): Promise<Answer> =>
      world.call('GET', '/api/accounts', { key: `ep_${randomUUID().replaceAll('-', '')}${'x'.repeat(11)}` });
    expect((await world.call('GET', '/api/accounts')).status).toBe(200);
    const answers: number[] = [];
    while (answers.at(-1) !== 429 && answers.length < 2000)
      answers.push(...(await Promise.all(Array.from({ length: 50 }, async () => (await guess()).status))));
    expect(answers.at(-1)).toBe(429);
    expect((await world.call('GET', '/api/accounts')).status).toBe(200);
    // Creators come from the same address if a proxy hides theirs: they are counted separately.
    const callback = await world.call('GET', '/api/auth/tiktok/callback?state=x', { key: null });
    expect(callback.status).toBe(400);
    expect((await world.call('GET', '/docs/json', { key: null })).status).toBe(200);
    // Not used before: it proves itself.
    const { key } = await world.newUser();
    expect((await world.call('GET', '/api/accounts', { key })).status).toBe(200);
  });

  test('that look like keys of this installation prove nothing', async () => {
    const { key } = await world.newUser();
    const turned = `${key.slice(0, -1)}${key.endsWith('A') ? 'E' : 'A'}`;
    for (const wrong of [turned, `ep_${'A'.repeat(43)}`])
      expect((await world.call('GET', '/api/accounts', { key: wrong })).status).toBe(429);
  });
});

test('readiness is checked once at a time, however many ask', async () => {
  const config = readConfig('server', world.env);
  const keys = localKeyProvider(config.keyring);
  let asked = 0;
  const db = new Proxy(world.database.db, {
    get(target, name, receiver): unknown {
      if (name === 'execute') asked += 1;
      return Reflect.get(target, name, receiver);
    },
  });
  const app = await buildApp({
    config,
    keys,
    database: { ...world.database, db },
    temporal: world.temporal,
    envelope: createEnvelope({ keys }),
    media: openMediaStore(config.mediaUrl),
    mediaLinks: createMediaLinks(config.publicUrl, config.keyring),
    providers: createProviders(config.providers),
    log: { write: () => {} },
  });
  try {
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => app.inject({ url: '/readyz' })),
    );
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    // One check takes five statements: the fifth looks at the views.
    expect(asked).toBeLessThanOrEqual(5);
  } finally {
    await app.close();
  }
});

test('the sweep deletes rows after their retention', async () => {
  onTestFailed(() => world.tell());
  const { db } = world.database;
  const link = randomUUID();
  const user = world.user.id;
  await db.execute(sql`insert into connect_links (id, hash, user_id, provider, expires_at)
    values (${link}, 'old link', ${user}, 'tiktok', now() - interval '31 days')`);
  await db.execute(sql`insert into oauth_states (hash, user_id, provider, connect_link_id, verifier_kek_id, verifier_wrapped, expires_at)
    values ('old state', ${user}, 'tiktok', ${link}, 'k1', 'x', now() - interval '8 days'),
      ('young state', ${user}, 'tiktok', null, 'k1', 'x', now() - interval '6 days')`);
  await db.execute(sql`insert into audit_log (at, actor, action) values
    (now() - interval '401 days', 'old', 'post.accepted'), (now() - interval '31 days', 'old', 'webhook.refused'),
    (now() - interval '399 days', 'young', 'post.accepted'), (now() - interval '29 days', 'young', 'webhook.refused')`);
  await db.execute(sql`insert into webhook_events (provider, event_type, external_id, payload_json, received_at, processed_at, workflow_started_at)
    values ('tiktok', 'x', 'old', '{}', now() - interval '181 days', now(), now()),
      ('tiktok', 'x', 'young', '{}', now() - interval '179 days', now(), now())`);
  await db.execute(sql`insert into data_deletions (code, provider, accounts, requested_at)
    values ('old', 'instagram', 0, now() - interval '401 days'), ('young', 'instagram', 0, now() - interval '399 days')`);
  await world.sweep();
  await until('the old rows to go', async () => {
    const [left] = await rows(sql`select
      (select count(*) from oauth_states where hash = 'old state') + (select count(*) from connect_links where id = ${link})
      + (select count(*) from audit_log where actor = 'old') + (select count(*) from webhook_events where external_id = 'old')
      + (select count(*) from data_deletions where code = 'old') as count`);
    return Number(left.count) === 0 ? true : null;
  });
  const [young] = await rows(sql`select
    (select count(*) from oauth_states where hash = 'young state') + (select count(*) from audit_log where actor = 'young')
    + (select count(*) from webhook_events where external_id = 'young')
    + (select count(*) from data_deletions where code = 'young') as count`);
  expect(Number(young.count)).toBe(5);
});
