import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { sendBytes } from './raw-http.ts';
import { createWorld, type Json, sampleVideo, tusUpload, until, type World } from './world.ts';

/* Who may keep reading a post's stream, what the log contains of a URL, and how long clients hold a connection. */

let world: World;
let accountId: string;
beforeAll(async () => {
  world = await createWorld();
  accountId = await world.connect();
});
afterAll(() => world?.close());

async function scheduled(): Promise<Json> {
  const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
  const { body } = await world.publish({ accountId, mediaId: await world.upload(), scheduledAt });
  return body;
}

test('A stream ends when its key is revoked, and sends nothing more.', async () => {
  onTestFailed(() => world.tell());
  const post = await scheduled();
  const admin = { key: world.secrets.adminKey };
  const keys = `/api/users/${world.user.id}/keys`;
  const made = await world.call('POST', keys, { ...admin, body: { name: 'stolen', scopes: ['posts:read'] } });
  const stream = await fetch(`${world.url}/api/posts/${post.id}/events`, {
    headers: { authorization: `Bearer ${made.body.key}` },
  });
  const reader = stream.body?.getReader();
  const first = await reader?.read();
  expect(Buffer.from(first?.value ?? []).toString()).toContain(post.id);
  expect((await world.call('DELETE', `${keys}/${made.body.id}`, admin)).status).toBe(204);
  const later = new Date(Date.now() + 7_200_000).toISOString();
  const moved = await world.call('PATCH', `/api/posts/${post.id}`, { body: { scheduledAt: later } });
  expect(moved.status).toBe(200);
  expect(await reader?.read()).toEqual({ done: true, value: undefined });
});

test('A stream starts with the post if Last-Event-ID is another post’s.', async () => {
  const post = await scheduled();
  const stream = await fetch(`${world.url}/api/posts/${post.id}/events`, {
    headers: { authorization: `Bearer ${world.user.key}`, 'last-event-id': '999' },
    signal: AbortSignal.timeout(60_000),
  });
  const reader = stream.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toContain(post.id);
  await reader?.cancel();
});

test('A key follows a hundred posts at a time, and another one once it closes a stream.', async () => {
  const post = await scheduled();
  const { body } = await world.call('POST', `/api/users/${world.user.id}/keys`, {
    key: world.secrets.adminKey,
    body: { name: 'follower', scopes: ['posts:read'] },
  });
  const follow = (): Promise<Response> =>
    fetch(`${world.url}/api/posts/${post.id}/events`, { headers: { authorization: `Bearer ${body.key}` } });
  const streams = await Promise.all(Array.from({ length: 100 }, follow));
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
  const refused = await follow();
  expect([refused.status, await refused.json()]).toEqual([
    429,
    { error: expect.objectContaining({ code: 'rate_limited', retryable: true }) },
  ]);
  await streams[0]?.body?.cancel();
  await until('the place to be free', async () => {
    const answer = await follow();
    await answer.body?.cancel();
    return answer.status === 200 || null;
  });
  for (const { body: stream } of streams.slice(1)) await stream?.cancel();
});

test('A request with two Host headers is refused.', async () => {
  const { host } = new URL(world.url);
  const lines = [`GET /healthz HTTP/1.1`, `Host: ${host}`, 'host: elsewhere.example', 'Connection: close'];
  const answer = await sendBytes(world.url, `${lines.join('\r\n')}\r\n\r\n`);
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Host')]);
});

test('A HEAD request for a stream holds nothing open.', async () => {
  const post = await scheduled();
  const answer = await world.call('HEAD', `/api/posts/${post.id}/events`);
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, expect.stringContaining('GET')]);
});

test('The log contains no token of a link or a result, however its URL is written.', async () => {
  const { body } = await world.call('POST', '/api/connect-links', { body: { provider: 'tiktok' } });
  const token = new URL(body.url).searchParams.get('link') ?? '';
  const paths = [`/api/auth/tiktok%3Flink=${token}`, `/api/auth/tiktok;link=${token}`, `/connected/${token}`];
  for (const path of [...paths, `/%63onnected/${token}`, `//connected/${token}`, `/connected;/${token}`])
    expect((await world.call('GET', path, { key: null })).status).toBeGreaterThanOrEqual(400);
  for (const file of world.logFiles) expect(readFileSync(file, 'utf8')).not.toContain(token);
});

test('An unknown URL is refused without waiting for its body.', async () => {
  const { hostname, port } = new URL(world.url);
  const socket = connect(Number(port), hostname);
  socket.write('POST /%ff HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nx');
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'close');
  expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1\.1 400 /);
});

test(
  'A stalled upload is abandoned, keeps its bytes, and can be resumed.',
  { timeout: 180_000 },
  async () => {
    onTestFailed(() => world.tell());
    const bytes = sampleVideo();
    const { body } = await world.call('POST', '/api/media', {
      body: { filename: 'a.mp4', contentType: 'video/mp4', size: bytes.length },
    });
    const { hostname, port, pathname } = new URL(body.uploadUrl);
    const socket = connect(Number(port), hostname);
    const head = [
      `PATCH ${pathname} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${world.user.key}`,
      'Tus-Resumable: 1.0.0',
      'Upload-Offset: 0',
      'Content-Type: application/offset+octet-stream',
      `Content-Length: ${bytes.length}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(bytes.subarray(0, 1000));
    socket.resume();
    await once(socket, 'close');
    const state = await world.call('HEAD', body.uploadUrl, { headers: { 'tus-resumable': '1.0.0' } });
    expect(state.headers.get('upload-offset')).toBe('1000');
    await tusUpload(body.uploadUrl, bytes, world.user.key);
    await until('the media to be ready', async () => {
      const media = await world.call('GET', `/api/media/${body.id}`);
      return media.body.state === 'ready' ? true : null;
    });
  },
);
