import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosAccount } from './offer.ts';
import type { Trouble } from './trouble.ts';
import type { World } from './world.ts';

export interface Caused {
  kills: number;
  faults: number;
}

/** Lets everything go wrong that a plan says, at its times. */
export async function cause(
  world: World,
  troubles: readonly Trouble[],
  accounts: readonly ChaosAccount[],
): Promise<Caused> {
  const caused: Caused = { kills: 0, faults: 0 };
  await Promise.all(
    troubles.map(async (trouble) => {
      await sleep(trouble.at);
      if (trouble.kind !== 'kill') {
        await apply(world, trouble, accounts);
        caused.faults += 1;
      } else if (await world.stack.kill(trouble.role, trouble.index, trouble.downMs)) caused.kills += 1;
    }),
  );
  return caused;
}

async function apply(
  { api }: World,
  trouble: Exclude<Trouble, { kind: 'kill' }>,
  accounts: readonly ChaosAccount[],
): Promise<void> {
  switch (trouble.kind) {
    case 'fault':
      await api.control('POST', '/faults', trouble.fault);
      return;
    case 'webhooks':
      await api.control('POST', '/webhooks', trouble.settings);
      return;
    case 'expire':
      await api.control('POST', '/tiktok/expire-tokens', { openId: accounts[trouble.account]?.openId });
      return;
    case 'refuse':
      await api.control('POST', '/tiktok/fail-next', { reason: trouble.reason });
  }
}

/** No new trouble from here on. What is under way may still end badly. */
export async function stopFaults({ api, stack }: World): Promise<void> {
  await api.control('DELETE', '/faults');
  await api.control('POST', '/tiktok/fail-next', { reason: 'internal', times: 0 });
  await api.control('POST', '/webhooks', { drop: 0, duplicate: 0, delay: 0 });
  await api.control('POST', '/webhooks/release');
  await stack.repair();
}
