import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import postgres from 'postgres';
import { inject } from 'vitest';
import { openDatabase, type Database } from '../db/client.ts';
import type { Core, FakeProvider } from '../sandbox/core/core.ts';
import { startSandbox } from '../sandbox/server.ts';
import type { ProviderName } from '../providers/provider.ts';
import { FLAGS, sandboxOptions } from '../sandbox/flags.ts';
import { SAMPLE } from '../stack/checkout.ts';
import type { Child } from '../stack/child.ts';
import { type Answer, createApi, type Init, type Json, parsed } from '../stack/client.ts';
import { paddedSample } from '../stack/pad-mp4.ts';
import { sandboxAt, sandboxFlags } from '../stack/sandbox.ts';
import { appOf, inventSecrets, type Secrets } from '../stack/settings.ts';
import { type Keeper, start, startRole } from '../stack/start.ts';
import { temporalSettings } from '../stack/temporal-settings.ts';
import { sendBytes } from '../stack/upload.ts';
import { newUser } from '../stack/users.ts';
import { createVisitor } from '../stack/visitor.ts';
import type { Sweep, Swept } from '../temporal/contract.ts';
import { DRIVERS } from './drivers/index.ts';
import { loginApp } from './drivers/instagram.ts';
import type { App } from './drivers/sandbox.ts';
import { ownPort } from './ports.ts';

/*
 * A complete Everpost for one test file: real server and worker processes, a database cloned from the migrated
 * template, its own Temporal namespace, and the sandbox over HTTP. Nothing in it is a mock.
 */

export type { Answer, Json } from '../stack/client.ts';

/** A call may wait for what is under way. */
const PATIENCE_MS = 150_000;

export interface WorldOptions {
  /** Options of the sandbox's TikTok (sandbox/README.md). */
  tiktok?: Record<string, unknown>;
  /** More settings for server and worker. */
  env?: Record<string, string>;
  /** Whether a worker runs from the start; default: true. */
  worker?: boolean;
  /** A platform besides those of the product: its fake, and the settings of processes that know it. */
  double?: (url: string) => {
    fake: (core: Core) => FakeProvider;
    settingsFor: (sandboxUrl: string) => Record<string, string>;
  };
  /** The app's secret; default: a random one. */
  clientSecret?: string;
  /** Whether the sandbox keeps its state in `<dir>/sandbox/sandbox.json`, for tests that look for what it issued. */
  sandboxState?: boolean;
}

/** The settings of server and worker. */
type Env = Record<string, string> & { DATABASE_URL: string; EVERPOST_KEYRING: string };

export type World = Awaited<ReturnType<typeof createWorld>>;

export async function createWorld(options: WorldOptions = {}) {
  const name = `w${randomBytes(6).toString('hex')}`;
  const dir = join(inject('runDir'), name);
  mkdirSync(dir, { recursive: true });
  const databaseUrl = await cloneDatabase(name);
  const port = await ownPort();
  const url = `http://127.0.0.1:${port}`;
  const invented = inventSecrets();
  const own: [ProviderName, string][] =
    options.clientSecret === undefined ? [] : [['tiktok', options.clientSecret]];
  const stackSecrets: Secrets = {
    ...invented,
    apps: new Map([...invented.apps, ...own]),
  };
  const appAt = (provider: ProviderName): App => appOf(stackSecrets, { apiUrl: url }, provider);
  const app = appAt('tiktok');
  const secrets = {
    clientSecret: app.clientSecret,
    adminKey: stackSecrets.adminKey,
    kek: stackSecrets.keyring.slice('k1:'.length),
    instagramSecret: appAt('instagram').clientSecret,
    instagramLoginSecret: loginApp(appAt('instagram')).secret,
    threadsSecret: appAt('threads').clientSecret,
    verifyToken: stackSecrets.verifyToken,
  };
  const flags = sandboxFlags(
    DRIVERS,
    stackSecrets,
    { apiUrl: url },
    {
      options: { tiktok: { processingMs: 200, moderationMs: 200, ...options.tiktok } },
      ...(options.sandboxState === true ? { stateDir: join(dir, 'sandbox') } : {}),
    },
  );
  const double = options.double?.(url);
  const sandbox = await startSandbox({
    ...sandboxOptions(parseArgs({ args: flags, options: FLAGS }).values),
    ...(double === undefined ? {} : { more: (core) => [double.fake(core)] }),
  });
  const { control } = sandboxAt(sandbox.url);

  const address = inject('temporalAddress');
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const temporal = new Client({ connection, namespace: name });
  const database: Database = openDatabase(databaseUrl, 3);

  const env: Env = { DATABASE_URL: databaseUrl, EVERPOST_KEYRING: stackSecrets.keyring };
  const children: Child[] = [];
  const logFiles: string[] = [];
  const keeper: Keeper = {
    logFile(role) {
      const logFile = join(dir, `${role}-${logFiles.length}.log`);
      logFiles.push(logFile);
      return logFile;
    },
    async keep(_role, startOne) {
      const child = await startOne();
      children.push(child);
      return child;
    },
  };

  /** Starts one more process of the product. @param under a command that executes it, in surroundings of its making */
  const spawn = (
    role: 'server' | 'worker',
    more: Record<string, string> = {},
    under: readonly string[] = [],
  ): Promise<Child> =>
    keeper.keep(role, () => startRole(role, { ...env, ...more }, keeper.logFile(role), under));

  const api = createApi(url, undefined, PATIENCE_MS);
  const call = (method: string, path: string, init: Init = {}): Promise<Answer> =>
    api.call(method, path, { ...init, key: init.key === undefined ? user.key : init.key });

  const user = { id: '', key: '' };
  /** Another tenant, with a key. */
  const anotherUser = (): Promise<{ id: string; key: string }> =>
    newUser(createApi(url, secrets.adminKey, PATIENCE_MS), 'test');

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
    const consentPage = await visitor.openLink(link.body.url);
    const page = await fetch(consentPage.location ?? '', { redirect: 'manual' });
    const callback = page.headers.get('location') ?? '';
    const answer = await visitor.get(callback, { accept: 'application/json' });
    return { callback, answer: { ...answer, body: parsed(answer.text) } };
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
    await sendBytes(made.body.uploadUrl, key, bytes, bytes.length);
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
    const stack = await start({
      dir,
      keeper,
      secrets: stackSecrets,
      apiUrl: url,
      database: { url: databaseUrl, migrated: true },
      temporal: { settings: temporalSettings(dir, address, name) },
      sandboxed: DRIVERS,
      sandbox: { url: sandbox.url },
      servers: [port],
      workers: options.worker === false ? 0 : 1,
      // Tests that prove a site set it.
      more: { TIKTOK_SITE_VERIFICATION: '', ...double?.settingsFor(sandbox.url), ...options.env },
    });
    for (const [setting, value] of Object.entries(stack.settings))
      if (value !== undefined) env[setting] = value;
    Object.assign(user, await anotherUser());
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
    newUser: anotherUser,
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
  return readFileSync(SAMPLE);
}

/** The sample in this many bytes: more chunks, the same video. */
export const paddedVideo = paddedSample;

/** Uploads bytes to us, as clients do. */
export const tusUpload = (uploadUrl: string, bytes: Buffer, key: string): Promise<void> =>
  sendBytes(uploadUrl, key, bytes, bytes.length);

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

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
  } catch {
    return '(no log)';
  }
}
