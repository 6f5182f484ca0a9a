import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Child } from './child.ts';
import { environment } from './environment.ts';
import { freePort } from './ports.ts';

/*
 * What chaos/ and bench/ need to start Everpost in a folder of its own: invented secrets, the settings that a deployment
 * would have, and the commands that production runs.
 */

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Secrets {
  clientSecret: string;
  adminKey: string;
  kek: string;
}

export function inventSecrets(): Secrets {
  return {
    clientSecret: randomBytes(24).toString('hex'),
    adminKey: randomBytes(24).toString('hex'),
    kek: randomBytes(32).toString('base64'),
  };
}

/** The app that is registered at the sandbox. */
export interface SandboxedApp {
  clientKey: string;
  clientSecret: string;
  redirectUri: string;
}

export interface Addresses {
  dir: string;
  databaseUrl: string;
  temporalAddress: string;
  publicUrl: string;
  sandboxUrl: string;
}

/** The environment of server and worker, but for PORT. Nothing of ours comes from outside. */
export function settingsOf(addresses: Addresses, secrets: Secrets, app: SandboxedApp): NodeJS.ProcessEnv {
  const { dir, databaseUrl, temporalAddress, publicUrl, sandboxUrl } = addresses;
  return {
    PATH: environment['PATH'],
    HOME: environment['HOME'],
    EVERPOST_DIR: dir,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_CONFIG_FILE: '',
    EVERPOST_PUBLIC_URL: publicUrl,
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
}

/** How a sandbox is started whose limits of an account are out of the way. */
export function sandboxCommand(
  port: number,
  app: SandboxedApp,
  webhooks: string,
  options: Readonly<Record<string, unknown>> = {},
): string[] {
  const limit = 100_000;
  const limits = {
    creator_info: limit,
    'video.init': limit,
    'inbox.init': limit,
    'content.init': limit,
    status: limit,
    'user.info': limit,
  };
  return [
    process.execPath,
    'sandbox/main.ts',
    `--port=${port}`,
    `--client-key=${app.clientKey}`,
    `--client-secret=${app.clientSecret}`,
    `--redirect-uri=${app.redirectUri}`,
    `--webhook-url=${webhooks}/api/webhooks/tiktok`,
    `--options=${JSON.stringify({ dailyPostCap: limit, pendingShareCap: limit, limits, ...options })}`,
  ];
}

/** What `npm run start:server` and `npm run start:worker` run, with this Node.js. */
export function productionCommand(role: 'server' | 'worker'): string[] {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  const [node, ...rest] = (scripts[`start:${role}`] ?? '').split(' ');
  if (node !== 'node') throw new Error(`start:${role} of package.json does not start with node`);
  return [process.execPath, ...rest];
}

/** That many free ports, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await freePort());
  return [...found];
}

/** Nothing of it is kept, so nobody has to end in order. */
export async function endNow(child: Child): Promise<void> {
  if (child.isRunning()) process.kill(child.pid, 'SIGKILL');
  await child.exited;
}
