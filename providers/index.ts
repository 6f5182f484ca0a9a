import type { Provider, ProviderName } from './provider.ts';
import type { ProviderSettings } from './settings.ts';
import { createInstagram } from './instagram/index.ts';
import { createThreads } from './threads/index.ts';
import { createTikTok, type TikTok } from './tiktok/index.ts';

/** The registry of all providers. */
export interface Providers {
  readonly tiktok: TikTok | null;
  readonly all: readonly Provider[];
  /**
   * The provider of this name, for accounts connected by this method; null stands for the default method.
   * @returns null if it is unknown or has no credentials
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
