import type { Provider } from './provider.ts';
import { createTikTok, type TikTok } from './tiktok/index.ts';
import type { TikTokSettings } from './tiktok/client.ts';

/** The registry: a provider is added by standing here. */
export interface Providers {
  readonly tiktok: TikTok | null;
  /** The provider of this name; null: unknown, or no credentials are set. */
  find(name: string): Provider | null;
}

export function createProviders(settings: { tiktok?: TikTokSettings }): Providers {
  const tiktok = settings.tiktok === undefined ? null : createTikTok(settings.tiktok);
  const all: readonly (Provider | null)[] = [tiktok];
  return { tiktok, find: (name) => all.find((provider) => provider?.name === name) ?? null };
}
