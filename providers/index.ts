import type { Provider, ProviderName } from './provider.ts';
import type { ProviderSettings } from './settings.ts';
import { createInstagram } from './instagram/index.ts';
import { createThreads } from './threads/index.ts';
import { createTikTok, type TikTok } from './tiktok/index.ts';

/** The registry: a provider is added by standing here. */
export interface Providers {
  readonly tiktok: TikTok | null;
  readonly all: readonly Provider[];
  /**
   * The provider of this name, for accounts that are connected by this method; without one the usual method is meant.
   * @returns null where it is unknown, or no credentials are set for it
   */
  find(name: string, method?: string | null): Provider | null;
}

export function createProviders(settings: ProviderSettings): Providers {
  const tiktok = settings.tiktok === undefined ? null : createTikTok(settings.tiktok);
  const byName = {
    tiktok: tiktok === null ? [] : [tiktok],
    instagram: settings.instagram === undefined ? [] : createInstagram(settings.instagram),
    threads: settings.threads === undefined ? [] : [createThreads(settings.threads)],
  } satisfies Record<ProviderName, readonly Provider[]>;
  const all: readonly Provider[] = Object.values(byName).flat();
  return {
    tiktok,
    all,
    find: (name, method = null) =>
      all.find((one) => one.name === name && (method === null || one.method === method)) ?? null,
  };
}
