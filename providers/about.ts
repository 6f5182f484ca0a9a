import { about as instagram } from './instagram/about.ts';
import type { ProviderName } from './provider.ts';
import { about as threads } from './threads/about.ts';
import { about as tiktok } from './tiktok/about.ts';

/** What is known of a platform without its settings. */
export interface About {
  /** The name as people write it. */
  readonly title: string;
  /** The ways to connect an account, the usual one first; absent: there is only one. */
  readonly methods?: readonly string[];
}

/** Every platform of the registry, whether or not it is set up. */
export const ABOUT: Readonly<Record<ProviderName, About>> = { tiktok, instagram, threads };
