import { PROVIDER_NAMES, type ProviderName } from '../../providers/provider.ts';
import { instagram } from './instagram.ts';
import type { ChaosProvider } from './provider.ts';
import { threads } from './threads.ts';
import { tiktok } from './tiktok.ts';

export const PROVIDERS: Readonly<Record<ProviderName, ChaosProvider>> = { tiktok, instagram, threads };

/** Does the same with every provider, one after the other. */
export async function withEvery(
  work: (provider: ChaosProvider, name: ProviderName) => Promise<unknown>,
): Promise<void> {
  for (const name of PROVIDER_NAMES) await work(PROVIDERS[name], name);
}
