import { randomBytes } from 'node:crypto';
import { PROVIDER_NAMES, type ProviderName } from '../providers/provider.ts';
import type { Driver } from '../test/drivers/driver.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import type { App } from '../test/drivers/sandbox.ts';
import { environment } from './environment.ts';

/* The one maker of settings: for dev and demo, chaos, bench and tests. */

export type Settings = Record<string, string | undefined>;

export interface Secrets {
  adminKey: string;
  keyring: string;
  verifyToken: string;
  /** Of the app that is registered at each platform. */
  apps: ReadonlyMap<ProviderName, string>;
}

/** Where the server is reached. */
export interface Addresses {
  apiUrl: string;
  /** By browsers; absent: at `apiUrl`. */
  publicUrl?: string;
}

export interface Place extends Addresses {
  dir: string;
  databaseUrl: string;
  /** What leads to the Temporal server. */
  temporal: Settings;
  /** Which platforms it plays; null: none is played. */
  sandbox: { url: string; drivers: readonly Driver[] } | null;
}

/** None of the caller's own settings. */
export const bareEnvironment: Settings = { PATH: environment['PATH'], HOME: environment['HOME'] };

const secret = (): string => randomBytes(24).toString('hex');

export function inventSecrets(): Secrets {
  return {
    adminKey: secret(),
    keyring: `k1:${randomBytes(32).toString('base64')}`,
    verifyToken: secret(),
    apps: appSecrets(secret),
  };
}

/** A secret for the app of each platform. */
export function appSecrets(make: (name: ProviderName) => string): ReadonlyMap<ProviderName, string> {
  return new Map(PROVIDER_NAMES.map((name) => [name, make(name)]));
}

/** The app that is registered at a platform. */
export function appOf(
  { apps, verifyToken }: Secrets,
  { apiUrl, publicUrl = apiUrl }: Addresses,
  name: ProviderName,
): App {
  return {
    clientKey: `sandbox-${name}`,
    clientSecret: apps.get(name) ?? '',
    redirectUri: `${publicUrl}/api/auth/${name}/callback`,
    webhookUrl: `${apiUrl}/api/webhooks/${name}`,
    verifyToken,
  };
}

/**
 * The environment of server and worker, but for PORT.
 * @param base what stays, unless it belongs to a platform that the sandbox plays
 */
export function settingsOf(base: Settings, place: Place, secrets: Secrets): Settings {
  const settings: Settings = {
    ...base,
    ...place.temporal,
    EVERPOST_DIR: place.dir,
    DATABASE_URL: place.databaseUrl,
    EVERPOST_KEYRING: secrets.keyring,
    EVERPOST_ADMIN_KEY: secrets.adminKey,
    ...(place.publicUrl === undefined ? {} : { EVERPOST_PUBLIC_URL: place.publicUrl }),
  };
  if (place.sandbox === null) return settings;
  const { url, drivers } = place.sandbox;
  for (const driver of drivers) {
    for (const name of Object.keys(settings)) if (driver.settings.test(name)) delete settings[name];
    const ours = driver.settingsFor(appOf(secrets, place, driver.provider), url);
    for (const [name, value] of Object.entries(ours)) settings[name] ||= value;
  }
  if (drivers.length === DRIVERS.length) settings['EVERPOST_ALLOW_PRIVATE_URLS'] ||= 'true';
  return settings;
}
