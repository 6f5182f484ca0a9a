import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { inject } from 'vitest';
import type { Json } from '../stack/client.ts';
import { paddedSample } from '../stack/pad-mp4.ts';
import { start } from '../stack/start.ts';
import { temporalSettings } from '../stack/temporal-settings.ts';
import { sendBytes } from '../stack/upload.ts';
import { DRIVERS } from './drivers/index.ts';
import type { Sandbox } from './drivers/sandbox.ts';
import { ownPort } from './ports.ts';
import { createEngine } from './world/engine.ts';
import { evidenceOf } from './world/evidence.ts';
import type { WorldOptions } from './world/options.ts';
import { createPeople } from './world/people.ts';
import { createPosts } from './world/posts.ts';
import { type Env, keepProcesses } from './world/processes.ts';
import { openNamespace, openOwnDatabase, openSandbox, worldSecrets } from './world/surroundings.ts';

/*
 * A complete Everpost for one test file: real server and worker processes, a database cloned from the migrated
 * template, its own Temporal namespace, and the sandbox over HTTP. Nothing in it is a mock. world/ has its parts.
 */

export type { Answer, Json } from '../stack/client.ts';
export { cloneDatabase } from './world/database.ts';
export type { WorldOptions } from './world/options.ts';
export { sampleVideo } from './world/sample.ts';
export { until } from './world/until.ts';

export type World = Awaited<ReturnType<typeof createWorld>>;

export async function createWorld(options: WorldOptions = {}) {
  const name = `w${randomBytes(6).toString('hex')}`;
  const dir = join(inject('runDir'), name);
  mkdirSync(dir, { recursive: true });
  const { databaseUrl, database } = await openOwnDatabase(name, options.databaseUrl);
  const port = await ownPort();
  const url = `http://127.0.0.1:${port}`;
  const { ofStack, app, secrets } = worldSecrets(url, options);
  const { sandbox, control, settingsOfDouble, tablesOfDouble } = await openSandbox(
    dir,
    url,
    ofStack,
    options,
  );
  const { address, connection, temporal } = await openNamespace(name);

  const env: Env = { DATABASE_URL: databaseUrl, EVERPOST_KEYRING: ofStack.keyring };
  const { children, logFiles, keeper, spawn } = keepProcesses(dir, env);
  const people = createPeople(url, secrets.adminKey, control);
  const evidence = (): Promise<string> => evidenceOf(control, database, logFiles);

  async function close(): Promise<void> {
    await Promise.all(children.map((child) => child.stop()));
    await sandbox.close();
    await connection.close();
    await database.close();
  }

  try {
    if (tablesOfDouble !== null) await database.db.execute(tablesOfDouble);
    const stack = await start({
      dir,
      keeper,
      secrets: ofStack,
      apiUrl: url,
      database: { url: databaseUrl, migrated: true },
      temporal: { settings: temporalSettings(dir, address, name) },
      sandboxed: DRIVERS,
      sandbox: { url: sandbox.url },
      servers: [port],
      workers: options.worker === false ? 0 : 1,
      // Tests that prove a site, or copy what the platforms know, set these.
      more: { TIKTOK_SITE_VERIFICATION: '', EVERPOST_SYNC: 'off', ...settingsOfDouble, ...options.env },
    });
    for (const [setting, value] of Object.entries(stack.settings))
      if (value !== undefined) env[setting] = value;
    Object.assign(people.user, await people.newUser());
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
    close,
    ...people,
    ...createPosts(people.call, people.user),
    ...createEngine(name, connection, temporal),
    ...seenInSandbox(control),
    /** Prints what helps to see why a test failed, beside its failure. */
    async tell(): Promise<void> {
      process.stderr.write(`${await evidence().catch(String)}\n`);
    },
  };
}

/** What the sandbox has seen of TikTok's calls, and its faults. */
function seenInSandbox(control: Sandbox['control']) {
  return {
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

/** The sample in this many bytes: more chunks, the same video. */
export const paddedVideo = paddedSample;

/** Uploads bytes to us, as clients do. */
export const tusUpload = (uploadUrl: string, bytes: Buffer, key: string): Promise<void> =>
  sendBytes(uploadUrl, key, bytes, bytes.length);
