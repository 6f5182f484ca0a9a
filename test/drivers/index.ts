import type { Providers } from '../../providers/index.ts';
import type { Provider, ProviderName } from '../../providers/provider.ts';
import type { Driver } from './driver.ts';
import { instagram } from './instagram.ts';
import type { Sandbox } from './sandbox.ts';
import { threads } from './threads.ts';
import { tiktok } from './tiktok.ts';
import type { Way } from './way.ts';

/** One for each platform. */
export const DRIVERS: readonly Driver[] = [tiktok, instagram, threads];

/** What the conformance suite needs of a platform, whether it is in the product's registry or not. */
export type Driven = Pick<
  Driver,
  'title' | 'publishPath' | 'addCreator' | 'made' | 'removeApp' | 'tell' | 'batches'
> & { provider: string };

/** A platform, with one of its ways to connect accounts. */
export type DrivenWay = Driven & Way;

/** One entry for each way to connect an account. */
export const WAYS: readonly DrivenWay[] = DRIVERS.flatMap((driver) =>
  driver.ways.map((way) => ({ ...driver, ...way })),
);

/** @throws Error for a platform that has no driver */
export function driverOf(name: ProviderName): Driver {
  const found = DRIVERS.find(({ provider }) => provider === name);
  if (found === undefined) throw new Error(`test/drivers/index.ts has no driver of ${name}`);
  return found;
}

/** The number of an account's posts that are live or in its inbox. */
export async function countLive(
  driver: Pick<Driver, 'made'>,
  sandbox: Sandbox,
  openId: string,
): Promise<number> {
  const made = await driver.made(sandbox);
  return made.filter((one) => one.live && one.openId === openId).length;
}

/** The provider of a driver. @throws Error if it is not in the registry */
export function providerOf(registry: Providers, { label, provider, method }: DrivenWay): Provider {
  const found = registry.find(provider, method ?? undefined);
  if (found === null) throw new Error(`${label} is not in the registry`);
  return found;
}

/** @throws Error for a provider of the registry that has no driver */
export function checkDrivers(registry: Providers): void {
  const driven = WAYS.map((way) => providerOf(registry, way));
  for (const provider of registry.all)
    if (!driven.includes(provider))
      throw new Error(
        `${provider.name} ${provider.method ?? ''} stands in the registry, but test/drivers/index.ts does not know how to drive its sandbox`,
      );
}
