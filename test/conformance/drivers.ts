import type { ProviderName } from '../../providers/provider.ts';
import type { Driver } from './driver.ts';
import { instagram } from './instagram.ts';
import { threads } from './threads.ts';
import { tiktok } from './tiktok.ts';

const DRIVERS: Partial<Record<string, Driver>> = { tiktok, instagram, threads };

/** @throws Error for a provider whose sandbox nobody has described */
export function driverOf(name: ProviderName): Driver {
  const driver = DRIVERS[name];
  if (driver === undefined)
    throw new Error(
      `the provider ${name} stands in the registry, but test/conformance/drivers.ts does not know how to drive its sandbox`,
    );
  return driver;
}
