import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { ProviderName } from '../providers/provider.ts';
import type { Child } from './child.ts';
import { environment } from './environment.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import type { App } from '../test/drivers/sandbox.ts';

/*
 * What chaos/ and bench/ need to start Everpost in a folder of its own: invented secrets, the settings that a deployment
 * would have, and the commands that production runs.
 */

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Secrets {
  adminKey: string;
  kek: string;
  verifyToken: string;
  /** Of the app that is registered at each provider. */
  apps: Readonly<Record<ProviderName, string>>;
}

const secret = (): string => randomBytes(24).toString('hex');

export function inventSecrets(): Secrets {
  return {
    adminKey: secret(),
    kek: randomBytes(32).toString('base64'),
    verifyToken: secret(),
    apps: { tiktok: secret(), instagram: secret(), threads: secret() },
  };
}

/** The app that is registered at a provider. */
export function appOf({ apps, verifyToken }: Secrets, publicUrl: string, name: ProviderName): App {
  return {
    clientKey: `own-${name}`,
    clientSecret: apps[name],
    redirectUri: `${publicUrl}/api/auth/${name}/callback`,
    webhookUrl: `${publicUrl}/api/webhooks/${name}`,
    verifyToken,
  };
}

export interface Addresses {
  dir: string;
  databaseUrl: string;
  temporalAddress: string;
  publicUrl: string;
  sandboxUrl: string;
}

/** The environment of server and worker, but for PORT. Nothing of ours comes from outside. */
export function settingsOf(addresses: Addresses, secrets: Secrets): NodeJS.ProcessEnv {
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
    ...Object.assign(
      {},
      ...DRIVERS.map((one) => one.settingsFor(appOf(secrets, publicUrl, one.provider), sandboxUrl)),
    ),
  };
}

/** How a sandbox is started whose limits of an account are out of the way. */
export function sandboxCommand(
  port: number,
  secrets: Secrets,
  publicUrl: string,
  options: Readonly<Partial<Record<ProviderName, object>>> = {},
): string[] {
  return [
    process.execPath,
    'sandbox/main.ts',
    `--port=${port}`,
    ...DRIVERS.flatMap(({ provider, sandboxFlags, withoutLimits }) =>
      sandboxFlags(appOf(secrets, publicUrl, provider), { ...withoutLimits, ...options[provider] }),
    ),
  ];
}

/** What `npm run start:server` and `npm run start:worker` run, with this Node.js. */
export function productionCommand(role: 'server' | 'worker'): string[] {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  const [exec, node, ...rest] = (scripts[`start:${role}`] ?? '').split(' ');
  if (exec !== 'exec' || node !== 'node')
    throw new Error(`start:${role} of package.json does not start with "exec node"`);
  return [process.execPath, ...rest];
}

/** Nothing of it is kept, so nobody has to end in order. */
export async function endNow(child: Child): Promise<void> {
  if (child.isRunning()) process.kill(child.pid, 'SIGKILL');
  await child.exited;
}
