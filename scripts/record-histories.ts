import { randomBytes, randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { format, resolveConfig } from 'prettier';
import { createEnvelope } from '../crypto/envelope.ts';
import { localKeyProvider, parseKeyring } from '../crypto/keys.ts';
import { sealTokens } from '../crypto/tokens.ts';
import { type Account, saveGrant } from '../db/accounts.ts';
import { type Db, openDatabase } from '../db/client.ts';
import { acceptPost, type Post } from '../db/posts.ts';
import { media, users } from '../db/schema.ts';
import { createProviders } from '../providers/index.ts';
import type { TikTokRequest } from '../providers/tiktok/request.ts';
import { startSandbox } from '../sandbox/server.ts';
import { createTestClient } from '../sandbox/testing.ts';
import { postWorkflowId } from '../workflows/names.ts';
import { askToCancel, startPost } from '../workflows/start.ts';
import { startChild } from './child.ts';
import { environment } from './environment.ts';
import { startPostgres } from './postgres.ts';
import { run } from './run.ts';
import { findTemporalBinary, startTemporal } from './temporal.ts';
import { withoutTemporal } from './without-temporal.ts';

/**
 * `node scripts/record-histories.ts`: records test/histories/*.json, which test/replay.test.ts replays. Starts all it
 * needs and ends it again. Run it after a workflow was changed on purpose, once no post of the old one is open any
 * more; while such posts are open, put the change behind `patched()` and keep the old files.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const sample = join(root, 'scripts/demo-media/sample.mp4');
const dir = join(tmpdir(), `everpost-record-${randomBytes(4).toString('hex')}`);
const app = { clientKey: 'ck', clientSecret: 'cs', redirectUri: 'http://127.0.0.1:3999/callback' };
const keyring = `k1:${randomBytes(32).toString('base64')}`;

const REQUEST: TikTokRequest = {
  source: 'FILE_UPLOAD',
  mode: 'direct',
  postInfo: { title: 'A recorded post', privacy_level: 'PUBLIC_TO_EVERYONE' },
};

/** What is to be undone; the last is undone first. */
const undo: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
try {
  const { db, client, account, mediaId, plan } = await start();
  const post = (inMs: number): Promise<Post> => newPost(db, account, mediaId, plan, inMs);

  await record('publish', client, await post(0));
  await record('scheduled', client, await post(2_000));
  await record('cancelled-while-scheduled', client, await post(3_600_000), askToCancel);
} finally {
  for (const step of undo.toReversed()) await step();
}

/** Lets a post come to its end, and writes down how its workflow got there. */
async function record(
  name: string,
  client: Client,
  post: Post,
  meanwhile: (client: Client, post: Post) => Promise<unknown> = async () => {},
): Promise<void> {
  await startPost(client, post);
  await meanwhile(client, post);
  const handle = client.workflow.getHandle(postWorkflowId(post.id));
  const state = String(await handle.result());
  // Whose machine it was is nobody's business.
  const json = historyToJSON(await handle.fetchHistory()).replaceAll(`@${hostname()}`, '@recorder');
  const file = join(root, 'test/histories', `${name}.json`);
  writeFileSync(file, await format(json, { ...(await resolveConfig(file)), filepath: file }));
  console.log(`${name}: ${state}`);
}

/** Everything but the API: database, Temporal, sandbox, worker, and an account with a file to publish. */
async function start() {
  // PostgreSQL runs as another user when we are root, and has to pass.
  mkdirSync(join(dir, 'media'), { recursive: true, mode: 0o711 });
  const database = await startPostgres({ dir: join(dir, 'pg'), throwAway: true });
  undo.push(() => database.stop());
  const temporal = await startTemporal({
    binary: await findTemporalBinary(),
    logFile: join(dir, 'temporal.log'),
  });
  undo.push(() => temporal.stop());
  const sandbox = await startSandbox({ tiktok: { ...app, redirectUris: [app.redirectUri] } });
  undo.push(() => sandbox.close());

  const env = {
    ...environment,
    ...withoutTemporal(),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_CONFIG_FILE: '',
    DATABASE_URL: database.url,
    EVERPOST_DIR: dir,
    EVERPOST_MEDIA: '',
    EVERPOST_KEYRING: keyring,
    TIKTOK_CLIENT_KEY: app.clientKey,
    TIKTOK_CLIENT_SECRET: app.clientSecret,
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: app.redirectUri,
    TIKTOK_API_URL: sandbox.url,
    TIKTOK_UPLOAD_HOSTS: new URL(sandbox.url).host,
  };
  await run([process.execPath, 'scripts/migrate.ts'], { cwd: root, env });
  const worker = await startChild({
    name: 'worker',
    command: [process.execPath, 'worker.ts'],
    cwd: root,
    env,
    logFile: join(dir, 'worker.log'),
  });
  undo.push(() => worker.stop());

  const connection = await Connection.connect({ address: temporal.address });
  undo.push(() => connection.close());
  const pool = openDatabase(database.url);
  undo.push(() => pool.close());
  const { db } = pool;
  const settings = { ...app, webhookSecrets: [], authUrl: sandbox.url, apiUrl: sandbox.url, uploadHosts: [] };
  const { tiktok } = createProviders({ tiktok: settings });
  return {
    db,
    client: new Client({ connection }),
    plan: tiktok?.publishing.plan(REQUEST) ?? [],
    ...(await newAccount(db, sandbox.url)),
  };
}

async function newAccount(db: Db, sandboxUrl: string): Promise<{ account: Account; mediaId: string }> {
  const [user] = await db.insert(users).values({ email: 'recorder@example.com' }).returning();
  if (user === undefined) throw new Error('no user');
  const envelope = createEnvelope({ keys: localKeyProvider(parseKeyring(keyring)) });
  undo.push(() => envelope.close());
  const { openId, ...tokens } = await createTestClient(sandboxUrl, app).connect();
  const account = await saveGrant(db, {
    userId: user.id,
    provider: 'tiktok',
    method: null,
    openId,
    username: 'sandbox_creator',
    displayName: null,
    scopes: ['user.info.basic', 'video.upload', 'video.publish'],
    metadata: {},
    expiresAt: new Date(Date.now() + 7_200_000),
    refreshExpiresAt: null,
    key: await envelope.newDataKey(),
    seal: (key, place) => sealTokens(envelope, key, place, tokens),
  });
  const storageKey = randomUUID();
  copyFileSync(sample, join(dir, 'media', storageKey));
  const [file] = await db
    .insert(media)
    .values({
      userId: user.id,
      filename: 'sample.mp4',
      contentType: 'video/mp4',
      size: statSync(sample).size,
      storageKey,
      state: 'ready',
      durationMs: 4_000,
      expiresAt: new Date(),
      requestHash: 'recorded',
      workflowStartedAt: new Date(),
      uploadedAt: new Date(),
    })
    .returning();
  if (file === undefined) throw new Error('no media');
  return { account, mediaId: file.id };
}

async function newPost(
  db: Db,
  account: Account,
  mediaId: string,
  plan: Post['plan'],
  inMs: number,
): Promise<Post> {
  const accepted = await acceptPost(db, {
    userId: account.userId,
    oauthAccountId: account.id,
    provider: 'tiktok',
    mediaId,
    totalBytes: statSync(sample).size,
    request: REQUEST,
    plan,
    fingerprint: randomUUID(),
    idempotencyKey: null,
    requestHash: 'recorded',
    requestId: randomUUID(),
    onQuota: 'wait',
    scheduledAt: inMs === 0 ? null : new Date(Date.now() + inMs),
    deadlineAt: new Date(Date.now() + 72 * 3_600_000),
    allowDuplicate: true,
    hold: [],
    detail: { table: 'tiktok_posts', source: REQUEST.source, mode: REQUEST.mode, title: null },
  });
  if (accepted.outcome === 'quota') throw new Error('a quota is used up');
  return accepted.post;
}
