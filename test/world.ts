import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import postgres from 'postgres';
import * as tus from 'tus-js-client';
import { inject } from 'vitest';
import { openDatabase, type Database } from '../db/client.ts';
import { startSandbox } from '../sandbox/server.ts';
import { createTestClient } from '../sandbox/testing/client.ts';
import { type Child, startChild } from '../stack/child.ts';
import { environment } from '../stack/environment.ts';
import { createVisitor } from '../stack/visitor.ts';
import type { Sweep, Swept } from '../temporal/contract.ts';
import { ownPort } from './ports.ts';

/*
 * A complete Everpost for one test file: real server and worker processes, a database cloned from the migrated
 * template, its own Temporal namespace, and the sandbox over HTTP. Nothing in it is a mock.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// What tests read of the API's answers; they are checked by the tests themselves.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: Json;
}

export interface WorldOptions {
  /** Options of the sandbox's TikTok (sandbox/README.md). */
  tiktok?: Record<string, unknown>;
  /** More settings for server and worker. */
  env?: Record<string, string>;
  /** Whether a worker runs from the start; default: true. */
  worker?: boolean;
  /** The app's secret; default: a random one. */
  clientSecret?: string;
  /** Whether the sandbox keeps its state in `<dir>/sandbox/sandbox.json`, for tests that look for what it issued. */
  sandboxState?: boolean;
}

export type World = Awaited<ReturnType<typeof createWorld>>;

export async function createWorld(options: WorldOptions = {}) {
  const name = `w${randomBytes(6).toString('hex')}`;
  const dir = join(inject('runDir'), name);
  const databaseUrl = await cloneDatabase(name);
  const port = await ownPort();
  const url = `http://127.0.0.1:${port}`;
  const secrets = {
    clientSecret: options.clientSecret ?? randomBytes(24).toString('hex'),
    adminKey: randomBytes(24).toString('hex'),
    kek: randomBytes(32).toString('base64'),
    instagramSecret: randomBytes(24).toString('hex'),
    instagramLoginSecret: randomBytes(24).toString('hex'),
    threadsSecret: randomBytes(24).toString('hex'),
    verifyToken: randomBytes(24).toString('hex'),
  };
  const meta = {
    instagram: { appId: '1110', appSecret: secrets.instagramSecret },
    threads: { appId: '2220', appSecret: secrets.threadsSecret },
  };
  const instagramApp = { loginAppId: '1112', loginAppSecret: secrets.instagramLoginSecret };
  const callbacks = (provider: 'instagram' | 'threads') => ({
    ...meta[provider],
    redirectUris: [`${url}/api/auth/${provider}/callback`],
    webhookUrl: `${url}/api/webhooks/${provider}`,
    verifyToken: secrets.verifyToken,
    deauthorizeUrl: `${url}/api/webhooks/${provider}/deauthorize`,
    dataDeletionUrl: `${url}/api/webhooks/${provider}/data-deletion`,
  });
  const app = {
    clientKey: `key-${name}`,
    clientSecret: secrets.clientSecret,
    redirectUri: `${url}/api/auth/tiktok/callback`,
  };
  const sandbox = await startSandbox({
    ...(options.sandboxState === true ? { stateDir: join(dir, 'sandbox') } : {}),
    tiktok: {
      clientKey: app.clientKey,
      clientSecret: app.clientSecret,
      redirectUris: [app.redirectUri],
      webhookUrl: `${url}/api/webhooks/tiktok`,
      options: { processingMs: 200, moderationMs: 200, ...options.tiktok },
    },
    instagram: { ...callbacks('instagram'), ...instagramApp },
    threads: callbacks('threads'),
  });
  const { control } = createTestClient(sandbox.url, app);

  const address = inject('temporalAddress');
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const temporal = new Client({ connection, namespace: name });
  const database: Database = openDatabase(databaseUrl, 3);

  const env = {
    PATH: environment['PATH'],
    HOME: environment['HOME'],
    EVERPOST_DIR: dir,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: name,
    TEMPORAL_CONFIG_FILE: '',
    PORT: String(port),
    EVERPOST_KEYRING: `k1:${secrets.kek}`,
    EVERPOST_ADMIN_KEY: secrets.adminKey,
    EVERPOST_ALLOW_PRIVATE_URLS: 'true',
    TIKTOK_CLIENT_KEY: app.clientKey,
    TIKTOK_CLIENT_SECRET: app.clientSecret,
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: app.redirectUri,
    TIKTOK_AUTH_URL: sandbox.url,
    TIKTOK_API_URL: sandbox.url,
    TIKTOK_UPLOAD_HOSTS: new URL(sandbox.url).host,
    TIKTOK_APP_AUDITED: 'true',
    NEXT_PUBLIC_INSTAGRAM_APP_ID: meta.instagram.appId,
    INSTAGRAM_APP_SECRET: meta.instagram.appSecret,
    NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI: `${url}/api/auth/instagram/callback`,
    FACEBOOK_DIALOG_URL: `${sandbox.url}/facebook`,
    FACEBOOK_GRAPH_URL: `${sandbox.url}/graph`,
    INSTAGRAM_UPLOAD_URL: `${sandbox.url}/rupload`,
    INSTAGRAM_LOGIN_APP_ID: instagramApp.loginAppId,
    INSTAGRAM_LOGIN_APP_SECRET: instagramApp.loginAppSecret,
    INSTAGRAM_LOGIN_REDIRECT_URI: `${url}/api/auth/instagram/callback`,
    INSTAGRAM_AUTH_URL: `${sandbox.url}/instagram-login`,
    INSTAGRAM_API_URL: `${sandbox.url}/instagram-api`,
    INSTAGRAM_GRAPH_URL: `${sandbox.url}/graph-instagram`,
    NEXT_PUBLIC_THREADS_APP_ID: meta.threads.appId,
    THREADS_APP_SECRET: meta.threads.appSecret,
    NEXT_PUBLIC_THREADS_REDIRECT_URI: `${url}/api/auth/threads/callback`,
    THREADS_AUTH_URL: `${sandbox.url}/threads-auth`,
    THREADS_GRAPH_URL: `${sandbox.url}/threads`,
    META_VERIFY_TOKEN: secrets.verifyToken,
    ...options.env,
  };
  const children: Child[] = [];
  const logFiles: string[] = [];

  /** Starts another process of the product. @param under a command that runs it in a modified environment */
  async function spawn(
    role: 'server' | 'worker',
    more: Record<string, string> = {},
    under: readonly string[] = [],
  ): Promise<Child> {
    const logFile = join(dir, `${role}-${children.length}.log`);
    const command = [...under, process.execPath, `${role}.ts`];
    const child = await startChild({
      name: role,
      command,
      cwd: ROOT,
      logFile,
      env: { ...env, ...more },
      killAfterMs: 30_000,
    });
    children.push(child);
    logFiles.push(logFile);
    return child;
  }

  async function call(
    method: string,
    path: string,
    init: { key?: string | null; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const key = init.key === undefined ? user.key : init.key;
    const response = await fetch(path.startsWith('http') ? path : url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...init.headers,
      },
      ...(init.body === undefined
        ? {}
        : { body: typeof init.body === 'string' ? init.body : JSON.stringify(init.body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: readJson(text) };
  }

  const user = { id: '', key: '' };
  /** Creates another tenant, with a key. */
  async function newUser(): Promise<{ id: string; key: string }> {
    const made = await call('POST', '/api/users', {
      key: secrets.adminKey,
      body: { email: `${randomUUID()}@example.com` },
    });
    const key = await call('POST', `/api/users/${made.body.id}/keys`, {
      key: secrets.adminKey,
      body: { name: 'test' },
    });
    if (key.status !== 201) throw new Error(`no key: ${made.text} ${key.text}`);
    return { id: made.body.id, key: key.body.key };
  }

  /**
   * Connects a sandbox creator through the real redirects.
   * @param method for providers with several ways to connect
   * @returns the browser's last URL
   */
  async function visitConsent(
    consent: Record<string, unknown> = {},
    key = user.key,
    provider = 'tiktok',
    method?: string,
  ): Promise<{ callback: string; answer: Answer }> {
    const link = await call('POST', '/api/connect-links', { key, body: { provider, method } });
    await control('POST', '/consent', { decision: 'approve', provider, ...consent });
    const visitor = createVisitor();
    const start = await visitor.openLink(link.body.url);
    const page = await fetch(start.location ?? '', { redirect: 'manual' });
    const callback = page.headers.get('location') ?? '';
    const answer = await visitor.get(callback, { accept: 'application/json' });
    return { callback, answer: { ...answer, body: readJson(answer.text) } };
  }

  /** @returns the account's id */
  async function connect(creator = 'sandbox_creator', key = user.key): Promise<string> {
    await control('POST', '/tiktok/creators', { username: creator });
    const { answer } = await visitConsent({ creator }, key);
    const { body } = await call('GET', '/api/accounts', { key });
    const account = body.data.find((row: Json) => row.username === creator);
    if (account === undefined) throw new Error(`not connected: ${answer.status} ${answer.text}`);
    return account.id;
  }

  /** Uploads a file. @returns the media's id, once it is ready */
  async function upload(
    bytes: Buffer = sampleVideo(),
    key = user.key,
    contentType = 'video/mp4',
  ): Promise<string> {
    const made = await call('POST', '/api/media', {
      key,
      body: { filename: 'file', contentType, size: bytes.length },
    });
    if (made.status !== 201) throw new Error(`no media: ${made.text}`);
    await tusUpload(made.body.uploadUrl, bytes, key);
    const media = await until('media to be examined', async () => {
      const { body } = await call('GET', `/api/media/${made.body.id}`, { key });
      return body.state === 'uploading' ? null : body;
    });
    if (media.state !== 'ready') throw new Error(`media is ${JSON.stringify(media)}`);
    return made.body.id;
  }

  /** Publishes a video as a direct, public post by default. */
  async function publish(
    changes: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const body = {
      source: 'FILE_UPLOAD',
      mode: 'direct',
      ...(changes['mode'] === 'inbox'
        ? {}
        : { postInfo: { title: `post ${randomUUID()}`, privacy_level: 'PUBLIC_TO_EVERYONE' } }),
      ...changes,
    };
    return call('POST', '/api/tiktok/upload', { body, headers });
  }

  const getPost = async (id: string): Promise<Json> => (await call('GET', `/api/posts/${id}`)).body;

  /** Waits until a post is in one of these states. */
  async function untilPost(id: string, ...states: string[]): Promise<Json> {
    return until(`post ${id} to be ${states.join(' or ')}`, async () => {
      const post = await getPost(id);
      if (states.includes(post.state)) return post;
      if (FINAL.has(post.state)) throw new Error(`the post ended as ${post.state}: ${JSON.stringify(post)}`);
      return null;
    });
  }

  /** Lets a running workflow skip the time that it waits for. */
  async function skipTime(workflowId: string): Promise<void> {
    await connection.workflowService.updateWorkflowExecutionOptions({
      namespace: name,
      workflowExecution: { workflowId },
      workflowExecutionOptions: { timeSkippingConfig: { enabled: true } },
      updateMask: { paths: ['time_skipping_config'] },
    });
  }

  /** Runs the sweep once, to its end. @returns its repairs */
  async function sweep(): Promise<Swept> {
    const schedule = temporal.schedule.getHandle('sweep');
    const { numActionsTaken: before } = (await schedule.describe()).info;
    await schedule.trigger();
    const workflowId = await until('the sweep', async () => {
      const { numActionsTaken, recentActions } = (await schedule.describe()).info;
      return numActionsTaken > before ? (recentActions.at(-1)?.action.workflow.workflowId ?? null) : null;
    });
    return temporal.workflow.getHandle<Sweep>(workflowId).result();
  }

  /** Data that helps to see why a test failed. */
  async function evidence(): Promise<string> {
    const requests: Json = await control('GET', '/requests');
    const posts = await database.db.execute('select id, state, phase, error, publish_id from posts');
    const last = (requests.requests ?? requests)
      .slice(-30)
      .map((row: Json) => `${row.endpoint} ${row.status} ${row.fault ?? ''}`);
    return [
      `posts: ${JSON.stringify(posts)}`,
      `requests: ${last.join(' | ')}`,
      ...logFiles.map((file) => `${file}:\n${tail(file)}`),
    ].join('\n');
  }

  /** Prints that data beside a test's failure. */
  async function tell(): Promise<void> {
    process.stderr.write(`${await evidence().catch(String)}\n`);
  }

  async function close(): Promise<void> {
    await Promise.all(children.map((child) => child.stop()));
    await sandbox.close();
    await connection.close();
    await database.close();
  }

  try {
    await spawn('server');
    if (options.worker !== false) await spawn('worker');
    await until('the server to be up', async () =>
      (await call('GET', '/livez', { key: null }).catch(() => null))?.status === 200 ? true : null,
    );
    if (options.worker !== false)
      await until('a worker to poll', async () =>
        (await call('GET', '/readyz', { key: null }).catch(() => null))?.status === 200 ? true : null,
      );
    Object.assign(user, await newUser());
  } catch (error) {
    const why = await evidence().catch(String);
    await close();
    throw new Error(`the world did not start\n${why}`, { cause: error });
  }

  return {
    name,
    url,
    dir,
    env,
    user,
    secrets,
    app,
    sandbox,
    control,
    temporal,
    connection,
    database,
    children,
    logFiles,
    spawn,
    call,
    newUser,
    visitConsent,
    connect,
    upload,
    publish,
    getPost,
    untilPost,
    skipTime,
    sweep,
    tell,
    close,
    publishes: async (): Promise<Json[]> => {
      const answer: Json = await control('GET', '/tiktok/publishes');
      return answer.publishes ?? answer;
    },
    requests: async (endpoint?: string): Promise<Json[]> => {
      const answer: Json = await control(
        'GET',
        `/requests${endpoint === undefined ? '' : `?endpoint=${endpoint}`}`,
      );
      return answer.requests ?? answer;
    },
    count: (): Promise<Json> => control('GET', '/tiktok/count'),
    fault: (fault: Record<string, unknown>): Promise<unknown> => control('POST', '/faults', fault),
  };
}

const FINAL = new Set(['published', 'delivered', 'failed', 'cancelled', 'unknown']);

/**
 * Polls until there is an answer that is not null.
 * @throws Error that names the condition, after two minutes
 */
export async function until<T>(what: string, ask: () => Promise<T | null>, ms = 120_000): Promise<T> {
  const end = Date.now() + ms;
  while (Date.now() < end) {
    const answer = await ask();
    if (answer !== null) return answer;
    await sleep(200);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** A small real video. */
export function sampleVideo(): Buffer {
  return readFileSync(join(ROOT, 'scripts/demo-media/sample.mp4'));
}

/** The sample, padded with a `free` box to this many bytes: more chunks, the same video. */
export function paddedVideo(bytes: number): Buffer {
  const sample = sampleVideo();
  const pad = Buffer.alloc(bytes - sample.length);
  pad.writeUInt32BE(pad.length, 0);
  pad.write('free', 4, 'latin1');
  return Buffer.concat([sample, pad]);
}

export async function tusUpload(uploadUrl: string, bytes: Buffer, key: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    new tus.Upload(bytes, {
      uploadUrl,
      headers: { authorization: `Bearer ${key}` },
      retryDelays: [100, 500, 1000],
      onSuccess: () => resolve(),
      onError: reject,
    }).start();
  });
}

/** An empty database with the newest schema. @returns its URL */
export async function cloneDatabase(name: string): Promise<string> {
  const url = new URL(inject('postgresUrl'));
  const template = url.pathname.slice(1);
  url.pathname = '/postgres';
  const admin = postgres(url.href, { max: 1, onnotice: () => {} });
  // Two files may clone at once, which PostgreSQL refuses while the other is copying.
  for (let tries = 0; ; tries += 1) {
    try {
      await admin.unsafe(`create database ${name} template ${template}`);
      break;
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(200);
    }
  }
  await admin.end();
  url.pathname = `/${name}`;
  return url.href;
}

function readJson(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
  } catch {
    return '(no log)';
  }
}
