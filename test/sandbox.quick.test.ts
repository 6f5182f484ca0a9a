import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, parseText } from '../sandbox/core/json.ts';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { createTestClient, type TestClient } from '../sandbox/testing/client.ts';

const app = { clientKey: 'key', clientSecret: 'secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const DIRECT = '/v2/post/publish/video/init/';
const STATUS = '/v2/post/publish/status/fetch/';

const tinyVideo = {
  post_info: { privacy_level: 'PUBLIC_TO_EVERYONE' },
  source_info: { source: 'FILE_UPLOAD', video_size: 9, chunk_size: 9, total_chunk_count: 1 },
};
const Init = Type.Object({ data: Type.Object({ publish_id: Type.String(), upload_url: Type.String() }) });

async function publish(client: TestClient, accessToken: string): Promise<string> {
  const { body } = await client.call(accessToken, DIRECT, tinyVideo);
  const { publish_id, upload_url } = parse(Init, body).data;
  await client.put(upload_url, randomBytes(9), 0, 9);
  return publish_id;
}

describe('in process', () => {
  let sandbox: Sandbox;
  let client: TestClient;
  let receiver: Server;
  let received: { body: string; signature: string }[];
  let answers: number[];

  beforeEach(async () => {
    received = [];
    answers = [];
    receiver = createServer((request, response) => {
      void text(request).then((body) => {
        received.push({ body, signature: String(request.headers['tiktok-signature']) });
        return response.writeHead(answers.shift() ?? 200).end();
      });
    });
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const address = receiver.address();
    const webhookUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`;
    const options = { processingMs: 0, moderationMs: 0 };
    const redirectUris = [app.redirectUri];
    sandbox = await startSandbox({ tiktok: { ...app, redirectUris, webhookUrl, options } });
    client = createTestClient(sandbox.url, app);
  });
  afterEach(async () => {
    await sandbox.close();
    receiver.closeAllConnections();
    receiver.close();
  });

  const Envelope = Type.Object({ event: Type.String(), content: Type.String(), create_time: Type.Integer() });
  const events = () => received.map(({ body }) => parseText(Envelope, body).event);
  const send = (event: string, more: object = {}) =>
    client.control('POST', '/tiktok/webhooks/send', { event, openId: 'someone', ...more });
  const arrive = (count: number) => vi.waitFor(() => expect(received).toHaveLength(count), { interval: 10 });
  const setWebhooks = (settings: object) => client.control('POST', '/webhooks', settings);
  const fault = (spec: object) => client.control('POST', '/faults', spec);
  const live = () => client.control('GET', '/tiktok/count');

  describe('webhooks', () => {
    it('report the course of a publish, signed', async () => {
      const { accessToken, openId } = await client.connect();
      const id = await publish(client, accessToken);
      await arrive(2);
      expect(events().toSorted()).toEqual(['post.publish.complete', 'post.publish.publicly_available']);
      const [{ body, signature } = { body: '', signature: '' }] = received.filter(({ body: text_ }) =>
        text_.includes('publicly_available'),
      );
      const [, t, s] = /^t=(\d+),s=([0-9a-f]{64})$/.exec(signature) ?? [];
      expect(createHmac('sha256', app.clientSecret).update(`${t}.${body}`).digest('hex')).toBe(s);
      expect(Math.abs(Date.now() / 1_000 - Number(t))).toBeLessThan(5);
      const { content } = parseText(Envelope, body);
      const Content = Type.Object({
        publish_id: Type.String(),
        publish_type: Type.String(),
        post_id: Type.String(),
      });
      expect(parseText(Content, content)).toMatchObject({ publish_id: id, publish_type: 'DIRECT_PUBLISH' });
      expect(JSON.parse(body)).toMatchObject({ client_key: app.clientKey, user_openid: openId });
    });

    it('report that the creator removed the app, and fail running publishes', async () => {
      const { accessToken, openId } = await client.connect();
      await client.call(accessToken, DIRECT, tinyVideo);
      await client.control('POST', '/tiktok/revoke', { openId, reason: 1 });
      await arrive(2);
      expect(events().toSorted()).toEqual(['authorization.removed', 'post.publish.failed']);
      expect((await client.call(accessToken, DIRECT, tinyVideo)).status).toBe(401);
    });

    it('are retried with growing pauses, and end after 72 hours', async () => {
      await setWebhooks({ retryBaseMs: 10 });
      answers = [500, 301, 202];
      await send('made.up');
      await arrive(4);
      await vi.waitFor(async () =>
        expect(await client.control('GET', '/tiktok/deliveries')).toMatchObject([
          {
            state: 'delivered',
            attempts: [{ status: 500 }, { status: 301 }, { status: 202 }, { status: 200 }],
          },
        ]),
      );
      answers = [500, 500];
      await setWebhooks({ retryBaseMs: 3_600_000 });
      await send('made.up');
      await arrive(5);
      await vi.waitFor(() => expect(sandbox.core.jobs.waiting).toBe(1));
      await client.control('POST', '/clock', { advanceMs: 72 * 3_600_000 });
      await arrive(6);
      await vi.waitFor(async () =>
        expect(await client.control('GET', '/tiktok/deliveries')).toMatchObject([{}, { state: 'gave_up' }]),
      );
    });

    it('keep an old signature, which ages in the receiver’s eyes', async () => {
      await client.control('POST', '/tiktok/options', { webhookResign: false });
      await setWebhooks({ retryBaseMs: 3_600_000 });
      answers = [503];
      await send('made.up');
      await arrive(1);
      await vi.waitFor(() => expect(sandbox.core.jobs.waiting).toBe(1));
      await client.control('POST', '/clock', { advanceMs: 3_600_000 });
      await arrive(2);
      const t = Number(/^t=(\d+)/.exec(received[1]?.signature ?? '')?.[1]);
      expect(Date.now() / 1_000 - t).toBeGreaterThan(3_590);
    });

    it('can be dropped, repeated, delayed and reordered', async () => {
      await setWebhooks({ drop: 1, duplicate: 1 });
      await send('dropped');
      await send('twice');
      await arrive(2);
      expect(events()).toEqual(['twice', 'twice']);
      await setWebhooks({ reorder: 2 });
      await send('first');
      await send('second');
      await arrive(4);
      expect(events().slice(2)).toEqual(['second', 'first']);
      await setWebhooks({ delay: 1, delayMs: 60_000 });
      await send('late');
      await send('prompt');
      await arrive(5);
      await client.control('POST', '/clock', { advanceMs: 60_000 });
      await arrive(6);
      expect(events().slice(4)).toEqual(['prompt', 'late']);
    });

    it('can be forged', async () => {
      await send('made.up', { secret: 'wrong', t: 5, createTime: 7, content: 'not json' });
      await arrive(1);
      const { body, signature } = received[0] ?? { body: '', signature: '' };
      const s = createHmac('sha256', 'wrong').update(`5.${body}`).digest('hex');
      expect(signature).toBe(`t=5,s=${s}`);
      expect(parseText(Envelope, body)).toMatchObject({ create_time: 7, content: 'not json' });
    });
  });

  describe('faults', () => {
    it('accept, then drop the connection', async () => {
      const { accessToken } = await client.connect();
      await fault({ endpoint: 'video.init', kind: 'accept-then-drop' });
      await expect(client.call(accessToken, DIRECT, tinyVideo)).rejects.toThrow('fetch failed');
      expect(await live()).toMatchObject({ total: 1 });
    });

    it('drop before anything happened', async () => {
      const { accessToken } = await client.connect();
      await fault({ endpoint: 'video.init', kind: 'drop-before' });
      await expect(client.call(accessToken, DIRECT, tinyVideo)).rejects.toThrow('fetch failed');
      expect(await live()).toMatchObject({ total: 0 });
    });

    it('accept, then answer 500, HTML or half an answer', async () => {
      const { accessToken } = await client.connect();
      await fault({ endpoint: 'video.init', kind: 'accept-then-500' });
      expect(await client.call(accessToken, DIRECT, tinyVideo)).toMatchObject({
        status: 500,
        text: 'Internal Server Error',
      });
      await fault({ endpoint: 'video.init', kind: 'html', when: 'after', http: 200 });
      expect((await client.call(accessToken, DIRECT, tinyVideo)).text).toContain('<html>');
      await fault({ endpoint: 'video.init', kind: 'truncated' });
      await expect(client.call(accessToken, DIRECT, tinyVideo)).rejects.toThrow('terminated');
      expect(await live()).toMatchObject({ total: 3 });
    });

    it('answer with a chosen code, after some requests, in the endpoint’s format', async () => {
      const { accessToken, refreshToken } = await client.connect();
      await fault({ endpoint: 'status', kind: 'status', code: 'internal_error', after: 1, times: 2 });
      const codes: number[] = [];
      for (let index = 0; index < 4; index += 1) {
        codes.push((await client.call(accessToken, STATUS, { publish_id: 'x' })).status);
      }
      expect(codes).toEqual([400, 500, 500, 400]);
      await fault({ endpoint: 'oauth.token:refresh_token', kind: 'status', http: 503, code: 'server_error' });
      const refresh = { grant_type: 'refresh_token', refresh_token: refreshToken };
      expect((await client.postForm('/v2/oauth/token/', refresh)).body).toMatchObject({
        error: 'server_error',
      });
      expect((await client.postForm('/v2/oauth/token/', refresh)).status).toBe(200);
    });

    it('refuse an unknown endpoint', async () => {
      await expect(fault({ endpoint: 'video.unit', kind: 'slow' })).rejects.toThrow('unknown endpoint');
      expect(await client.control('GET', '/faults')).toEqual([]);
    });

    it('also affect webhooks', async () => {
      await setWebhooks({ retryBaseMs: 10 });
      await fault({ endpoint: 'webhook', kind: 'accept-then-drop' });
      await send('made.up');
      await arrive(2);
      expect(events()).toEqual(['made.up', 'made.up']);
    });

    it('log what arrived', async () => {
      const { accessToken } = await client.connect();
      await client.control('DELETE', '/requests');
      await client.call(accessToken, STATUS, { publish_id: 'x' });
      expect(await client.control('GET', '/requests')).toMatchObject([
        {
          endpoint: 'status',
          method: 'POST',
          path: STATUS,
          status: 400,
          headers: { authorization: `Bearer ${accessToken}` },
          body: { publish_id: 'x' },
        },
      ]);
    });
  });
});

describe('as a process', () => {
  let dir: string;
  let child: ChildProcess;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sandbox-'));
  });
  afterEach(async () => {
    await stop();
    await rm(dir, { recursive: true });
  });

  const Ready = Type.Object({ ready: Type.Literal(true), url: Type.String() });

  async function start(...more: string[]): Promise<TestClient> {
    const flags = ['--client-key', 'key', '--client-secret', 'secret', '--redirect-uri', app.redirectUri];
    const args = ['sandbox/main.ts', '--state-dir', dir, ...flags, ...more];
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line]: unknown[] = await once(child.stdout ?? child, 'data');
    return createTestClient(parseText(Ready, String(line)).url, app);
  }

  async function stop(): Promise<void> {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  it('simulates the providers whose apps are named', async () => {
    const instagram = [
      '--instagram-app-id',
      '4',
      '--instagram-app-secret',
      's',
      '--instagram-options',
      '{"quotaTotal":7}',
    ];
    const threads = [
      '--threads-app-id',
      '5',
      '--threads-app-secret',
      's',
      '--threads-redirect-uri',
      'https://a.example/1,https://a.example/2',
    ];
    const client = await start(...instagram, ...threads);
    expect(await client.control('GET', '/')).toMatchObject({
      tiktok: { app: { clientKey: 'key' } },
      instagram: { app: { appId: '4', webhookUrl: null }, options: { quotaTotal: 7 } },
      threads: { app: { redirectUris: ['https://a.example/1', 'https://a.example/2'] } },
    });
  });

  it('finds tokens, publishes, clock and pending work again after a restart', async () => {
    let client = await start();
    await client.control('POST', '/tiktok/options', { processingMs: 50_000 });
    await client.control('POST', '/clock', { advanceMs: 1_000 });
    const { accessToken } = await client.connect();
    const id = await publish(client, accessToken);
    await stop();
    expect(child.exitCode).toBe(0);

    client = await start();
    expect(await client.control('GET', '/clock')).toMatchObject({ offsetMs: 1_000 });
    expect((await client.call(accessToken, STATUS, { publish_id: id })).text).toContain('PROCESSING_UPLOAD');
    await client.control('POST', '/clock', { advanceMs: 60_000 });
    expect((await client.call(accessToken, STATUS, { publish_id: id })).text).toContain('PUBLISH_COMPLETE');
    expect(await client.control('GET', '/tiktok/count')).toMatchObject({ live: 1 });
  });
});
