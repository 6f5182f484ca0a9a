import type { Provider, ProviderName } from './provider.ts';
import type { InstagramSettings } from './instagram/client.ts';
import { createInstagram } from './instagram/index.ts';
import type { ThreadsSettings } from './threads/client.ts';
import { createThreads } from './threads/index.ts';
import type { TikTokSettings } from './tiktok/client.ts';
import { createTikTok, type TikTok } from './tiktok/index.ts';

/** A provider without credentials is absent. */
export interface ProviderSettings {
  tiktok?: TikTokSettings;
  instagram?: InstagramSettings;
  threads?: ThreadsSettings;
}

/** The registry: a provider is added by standing here. */
export interface Providers {
  readonly tiktok: TikTok | null;
  /** The provider of this name; null: unknown, or no credentials are set. */
  find(name: string): Provider | null;
}

export function createProviders({ tiktok, instagram, threads }: ProviderSettings): Providers {
  const all = {
    tiktok: tiktok === undefined ? null : createTikTok(tiktok),
    instagram: instagram === undefined ? null : createInstagram(instagram),
    threads: threads === undefined ? null : createThreads(threads),
  } satisfies Record<ProviderName, Provider | null>;
  return {
    tiktok: all.tiktok,
    find: (name) => Object.values(all).find((provider) => provider?.name === name) ?? null,
  };
}
