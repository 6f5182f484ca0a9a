import { request } from 'node:http';
import { createServer, type Server } from 'node:http';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { startConnectProxy } from './connect-proxy.ts';
import { ownPort } from './ports.ts';
import { sampleVideo, createWorld, tusUpload, type Answer, type Json, type World } from './world.ts';

/* Behind a proxy that strips a path prefix, with several clients, and with outbound calls through a proxy. */

const PREFIX = '/everpost';

let world: World;
let front: Server;
let out: Awaited<ReturnType<typeof startConnectProxy>>;
let publicUrl: string;
beforeAll(async () => {
  out = await startConnectProxy();
  const port = await ownPort();
  publicUrl = `http://127.0.0.1:${port}${PREFIX}`;
  front = createServer((incoming, outgoing) => {
    const { hostname, port: to } = new URL(world.url);
    const path =
      incoming.url?.startsWith(PREFIX) === true ? incoming.url.slice(PREFIX.length) || '/' : '/outside';
    const forwarded = { ...incoming.headers, 'x-forwarded-for': '203.0.113.1', 'x-forwarded-prefix': PREFIX };
    const passed = request(
      { hostname, port: to, path, method: incoming.method, headers: forwarded },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => front.listen(port, '127.0.0.1', resolve));
  world = await createWorld({
    env: {
      EVERPOST_PUBLIC_URL: publicUrl,
      EVERPOST_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8',
      HTTP_PROXY: out.url,
      THREADS_GRAPH_URL: 'http://graph.platform.test/threads',
    },
  });
  out.leadTo(world.sandbox.url);
});
afterAll(async () => {
  await world?.close();
  await out?.close();
  front?.closeAllConnections();
  await new Promise((resolve) => front?.close(resolve));
});

const from = (address: string, key: string | null = `ep_${'x'.repeat(43)}`): Promise<Answer> =>
  world.call('GET', '/api/accounts', { key, headers: { 'x-forwarded-for': address } });
const lastAddress = async (): Promise<string> => {
  const [row] = await world.database.db.execute<Json>(
    sql`select ip from audit_log where action = 'access.refused' order by at desc limit 1`,
  );
  return row?.ip;
};

describe('the client’s address', () => {
  test.each([
    ['203.0.113.10', '203.0.113.10'],
    ['203.0.113.11:4711', '203.0.113.11'],
    ['[2001:db8::12]:4711', '2001:db8::12'],
    ['198.51.100.1, 203.0.113.13', '203.0.113.13'],
    ['198.51.100.1, 203.0.113.14, 10.1.2.3', '203.0.113.14'],
    ['203.0.113.15, unknown, 10.1.2.3', '10.1.2.3'],
    ['unknown', '127.0.0.1'],
    ['x'.repeat(5000), '127.0.0.1'],
  ])('is the one that trusted proxies report: %s', async (forwarded, address) => {
    expect((await from(forwarded)).status).toBe(401);
    expect(await lastAddress()).toBe(address);
  });

  test('has its own rate limit', async () => {
    let last = 401;
    for (let asked = 0; last === 401 && asked < 2000; asked += 50)
      last = Math.max(
        ...(await Promise.all(Array.from({ length: 50 }, async () => (await from('203.0.113.66')).status))),
      );
    expect(last).toBe(429);
    expect((await from('203.0.113.67')).status).toBe(401);
  });
});

test('pages, files and links work below the prefix', async () => {
  onTestFailed(() => world.tell());
  const page = await fetch(`${publicUrl}/docs`);
  expect([page.status, page.url]).toEqual([200, `${publicUrl}/docs/`]);
  const html = await page.text();
  const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, path = '']) => new URL(path, page.url).href,
  );
  expect(assets.length).toBeGreaterThan(3);
  for (const url of [...assets, `${publicUrl}/docs/json`, `${publicUrl}/docs/static/index.html`])
    expect([url, (await fetch(url)).status]).toEqual([url, 200]);

  const bytes = sampleVideo();
  const made = await world.call('POST', '/api/media', {
    body: { filename: 'v.mp4', contentType: 'video/mp4', size: bytes.length },
  });
  expect(made.body.uploadUrl.startsWith(`${publicUrl}/api/media/`)).toBe(true);
  await tusUpload(made.body.uploadUrl, bytes, world.user.key);
  expect(
    (
      await fetch(made.headers.get('location') ?? '', {
        headers: { authorization: `Bearer ${world.user.key}` },
      })
    ).status,
  ).toBe(200);
  const link = await world.call('POST', '/api/connect-links', { body: { provider: 'tiktok' } });
  expect(link.body.url.startsWith(`${publicUrl}/api/auth/tiktok?link=`)).toBe(true);
});

test('an account is connected and a post published through the outbound proxy', async () => {
  onTestFailed(() => world.tell());
  const { answer } = await world.visitConsent({}, undefined, 'threads');
  const accountId = answer.body.accounts[0].id;
  const body = { accountId, mediaType: 'TEXT', postInfo: { text: 'from inside' } };
  const post = await world.call('POST', '/api/threads/publish', { body });
  expect(post.status).toBe(202);
  await world.untilPost(post.body.id, 'published');
  expect(new Set(out.asked)).toEqual(new Set(['graph.platform.test:80']));
});
