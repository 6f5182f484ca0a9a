import { instagram } from './instagram/index.ts';
import type { Platform } from './platform.ts';
import { type Provider, PROVIDER_NAMES, type ProviderName } from './provider.ts';
import { threads } from './threads/index.ts';
import { tiktok } from './tiktok/index.ts';

const REGISTRY = { tiktok, instagram, threads };

/** What the folder of each provider needs. */
type SettingsByName = {
  [Name in ProviderName]: (typeof REGISTRY)[Name] extends Platform<infer Settings> ? Settings : never;
};

/** A provider without credentials is absent. */
export type ProviderSettings = Partial<SettingsByName>;

/** The registry: a platform is added by its name in provider.ts, and by standing here. */
export const PLATFORMS: { readonly [Name in ProviderName]: Platform<SettingsByName[Name]> } = REGISTRY;

/** The platform of this name; null where it is unknown. */
export function platformOf(provider: string): Pick<Platform<never>, 'about' | 'requests'> | null {
  const name = PROVIDER_NAMES.find((known) => known === provider);
  return name === undefined ? null : PLATFORMS[name];
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
  const all = PROVIDER_NAMES.flatMap((name) => createOf(name, settings));
  return {
    all,
    find: (name, method = null) =>
      all.find((one) => one.name === name && (method === null || one.method === method)) ?? null,
  };
}

function createOf<Name extends ProviderName>(
  name: Name,
  settings: Pick<ProviderSettings, Name>,
): readonly Provider[] {
  const app = settings[name];
  return app === undefined ? [] : PLATFORMS[name].create(app);
}
