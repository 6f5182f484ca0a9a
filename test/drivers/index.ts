import type { Provider } from '../../providers/provider.ts';
import type { Providers } from '../../providers/index.ts';
import type { Driver } from './driver.ts';
import { instagram, instagramLogin } from './instagram.ts';
import { threads } from './threads.ts';
import { tiktok } from './tiktok.ts';

/** One for each way to connect an account of a provider. */
export const DRIVERS: readonly Driver[] = [tiktok, instagram, instagramLogin, threads];

/** What a driver drives. @throws Error where that is not in the registry */
export function providerOf(registry: Providers, { label, provider, method }: Driver): Provider {
  const found = registry.find(provider, method);
  if (found === null) throw new Error(`${label} is not in the registry`);
  return found;
}

/** @throws Error for what stands in the registry, but whose sandbox nobody has described */
export function checkDrivers(registry: Providers): void {
  const driven = DRIVERS.map((driver) => providerOf(registry, driver));
  for (const provider of registry.all)
    if (!driven.includes(provider))
      throw new Error(
        `${provider.name} ${provider.method ?? ''} stands in the registry, but test/drivers/index.ts does not know how to drive its sandbox`,
      );
}
