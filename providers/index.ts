import { instagram } from './instagram/index.ts';
import type { Platform } from './platform.ts';
import type { Provider, ProviderName } from './provider.ts';
import { threads } from './threads/index.ts';
import { tiktok } from './tiktok/index.ts';

const OURS = { tiktok, instagram, threads } satisfies Record<ProviderName, unknown>;

/** What the folder of each provider needs. */
type SettingsByName = {
  [Name in ProviderName]: (typeof OURS)[Name] extends Platform<infer Settings> ? Settings : never;
};

/** The settings of the operator's apps, by provider. A provider without credentials is absent. */
export type ProviderSettings = Partial<SettingsByName> & Record<string, unknown>;

const registry: Record<string, Platform<unknown>> = { ...OURS };

/** The registry: a platform is added by its name in provider.ts, and by standing here. */
export const PLATFORMS: Readonly<Record<string, Platform<unknown>>> = registry;

/**
 * Adds a platform to the registry of this process. All that is made of the registry is made when it is imported, so this
 * comes before the import of server.ts or worker.ts.
 */
export function addPlatform(name: string, platform: Platform<unknown>): void {
  registry[name] = platform;
}

/** The platform of this name; null where it is unknown. */
export function platformOf(provider: string): Platform<unknown> | null {
  return Object.hasOwn(PLATFORMS, provider) ? (PLATFORMS[provider] ?? null) : null;
}

/** The providers that are set up. */
export interface Providers {
  readonly all: readonly Provider[];
  /**
   * The provider of this name, for accounts connected by this method; null stands for the default method.
   * @returns null if it is unknown or has no credentials
   */
  find(name: string, method?: string | null): Provider | null;
}

export function createProviders(settings: ProviderSettings): Providers {
  const all = Object.entries(PLATFORMS).flatMap(([name, platform]) => {
    const app = settings[name];
    return app === undefined ? [] : platform.create(app);
  });
  return {
    all,
    find: (name, method = null) =>
      all.find((one) => one.name === name && (method === null || one.method === method)) ?? null,
  };
}
