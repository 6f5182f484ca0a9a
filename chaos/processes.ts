import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { startChild, type Child } from '../scripts/child.ts';
import { environment } from '../scripts/environment.ts';
import { freePort } from '../scripts/ports.ts';
import { startPostgres } from '../scripts/postgres.ts';
import { findTemporalBinary, startTemporal } from '../scripts/temporal.ts';
import type { Role } from './trouble.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A process that is killed and started again; every start has a log file of its own. */
interface Managed {
  role: Role;
  child: Child;
  start: () => Promise<Child>;
  /** Set while somebody has killed it and has not started it again. */
  down: boolean;
}

export type Stack = Awaited<ReturnType<typeof startStack>>;

/** PostgreSQL, Temporal, the sandbox, two servers and two workers: real processes in a folder of their own. */
export async function startStack(say: (line: string) => void = () => {}) {
  const dir = join(tmpdir(), `everpost-chaos-${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(dir, { recursive: true });
  const secrets = {
    clientSecret: randomBytes(24).toString('hex'),
    adminKey: randomBytes(24).toString('hex'),
    kek: randomBytes(32).toString('base64'),
  };
  const ends: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const end of ends.toReversed())
      await end().catch((error: unknown) => say(`at the end: ${String(error)}`));
  };
  try {
    const database = await startPostgres({ dir: join(dir, 'pg'), throwAway: true });
    ends.push(() => database.stop());
    const sql = postgres(database.url, { max: 4, onnotice: () => {} });
    ends.push(() => sql.end());
    await migrate(drizzle(sql), { migrationsFolder: join(ROOT, 'db/migrations') });

    const [temporalPort, first, second, sandboxPort] = await ports(4);
    const urls = [`http://127.0.0.1:${first}`, `http://127.0.0.1:${second}`] as const;
    const app = {
      clientKey: 'chaos-client-key',
      clientSecret: secrets.clientSecret,
      redirectUri: `${urls[0]}/api/auth/tiktok/callback`,
    };
    const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
    const logFiles: string[] = [];
    const logFile = (name: string): string => {
      const file = join(dir, 'logs', `${logFiles.length}-${name}.log`);
      logFiles.push(file);
      return file;
    };
    const env = {
      PATH: environment['PATH'],
      HOME: environment['HOME'],
      EVERPOST_DIR: dir,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
      TEMPORAL_NAMESPACE: 'default',
      TEMPORAL_CONFIG_FILE: '',
      EVERPOST_PUBLIC_URL: urls[0],
      EVERPOST_KEYRING: `k1:${secrets.kek}`,
      EVERPOST_ADMIN_KEY: secrets.adminKey,
      EVERPOST_ALLOW_PRIVATE_URLS: 'true',
      TIKTOK_CLIENT_KEY: app.clientKey,
      TIKTOK_CLIENT_SECRET: app.clientSecret,
      NEXT_PUBLIC_TIKTOK_REDIRECT_URI: app.redirectUri,
      TIKTOK_AUTH_URL: sandboxUrl,
      TIKTOK_API_URL: sandboxUrl,
      TIKTOK_UPLOAD_HOSTS: new URL(sandboxUrl).host,
    };
    const ours = (role: 'server' | 'worker', port: number) => (): Promise<Child> =>
      startChild({
        name: role,
        command: [process.execPath, `${role}.ts`],
        cwd: ROOT,
        logFile: logFile(role),
        env: { ...env, PORT: String(port) },
        killAfterMs: 25_000,
      });
    const binary = await findTemporalBinary();
    const temporal = async (): Promise<Child> => {
      const { child } = await startTemporal({
        binary,
        dir,
        port: temporalPort,
        logFile: logFile('temporal'),
        dynamicConfig: { 'frontend.WorkflowTimeSkippingEnabled': true },
      });
      return child;
    };
    const sandbox = await startChild({
      name: 'sandbox',
      command: [process.execPath, 'sandbox/main.ts', ...sandboxFlags(sandboxPort, app, urls[0])],
      cwd: ROOT,
      logFile: join(dir, 'sandbox.log'),
      env: { PATH: environment['PATH'] },
    });
    ends.push(() => endNow(sandbox));

    const all: Managed[] = [];
    ends.push(() => Promise.all(all.map(({ child }) => endNow(child))));
    const add = async (role: Role, start: () => Promise<Child>): Promise<void> =>
      void all.push({ role, start, child: await start(), down: false });
    await add('temporal', temporal);
    await Promise.all([
      ...[first, second].map((port) => add('server', ours('server', port))),
      ...[0, 1].map(() => add('worker', ours('worker', 0))),
    ]);
    const connection = Connection.lazy({ address: `127.0.0.1:${temporalPort}` });
    ends.push(() => connection.close());

    const stack = {
      dir,
      secrets,
      app,
      urls,
      sandboxUrl,
      logFiles,
      sql,
      temporal: new Client({ connection }),
      /** Processes that ended without being killed by us. */
      crashes: [] as string[],
      kill,
      repair,
      stop,
    };

    /** Kills one process with SIGKILL and starts it again after a while. @returns whether it was running */
    async function kill(role: Role, index: number, downMs: number): Promise<boolean> {
      const target = all.filter((managed) => managed.role === role)[index];
      if (target === undefined || target.down || !target.child.isRunning()) return false;
      target.down = true;
      process.kill(target.child.pid, 'SIGKILL');
      await target.child.exited;
      await sleep(downMs);
      target.child = await target.start();
      target.down = false;
      return true;
    }

    /** Starts what has ended by itself, as a supervisor would, and waits until all answer. */
    async function repair(): Promise<void> {
      for (const managed of all) {
        if (managed.down || managed.child.isRunning()) continue;
        stack.crashes.push(`${managed.role}: ${await managed.child.exited}\n${managed.child.logTail(5)}`);
        managed.child = await managed.start();
      }
      const end = Date.now() + 60_000;
      for (const url of urls)
        while ((await fetch(`${url}/readyz`).catch(() => null))?.status !== 200) {
          if (Date.now() > end) throw new Error(`${url} does not get ready`);
          await sleep(100);
        }
    }

    await repair();
    return stack;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Nothing of it is kept, so nobody has to end in order. */
async function endNow(child: Child): Promise<void> {
  if (child.isRunning()) process.kill(child.pid, 'SIGKILL');
  await child.exited;
}

async function ports(count: number): Promise<[number, number, number, number]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  const [a = 0, b = 0, c = 0, d = 0] = found;
  return [a, b, c, d];
}

/** Limits of an account are out of the way: what is tested here is not the ledger. */
function sandboxFlags(
  port: number,
  app: { clientKey: string; clientSecret: string; redirectUri: string },
  webhooks: string,
): string[] {
  const limit = 100_000;
  const options = {
    processingMs: 300,
    moderationMs: 200,
    dailyPostCap: limit,
    pendingShareCap: limit,
    limits: {
      creator_info: limit,
      'video.init': limit,
      'inbox.init': limit,
      'content.init': limit,
      status: limit,
      'user.info': limit,
    },
  };
  return [
    `--port=${port}`,
    `--client-key=${app.clientKey}`,
    `--client-secret=${app.clientSecret}`,
    `--redirect-uri=${app.redirectUri}`,
    `--webhook-url=${webhooks}/api/webhooks/tiktok`,
    `--options=${JSON.stringify(options)}`,
  ];
}
