import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosAccount } from './offer.ts';
import { ROLES, type Role, type Trouble } from './trouble.ts';
import type { World } from './world.ts';

export interface Caused {
  kills: Record<Role, number>;
  faults: number;
}

/** Of each role, how often it was killed. */
export const countKills = (of: (role: Role) => number): Record<Role, number> => {
  const [worker, server, temporal, postgres] = ROLES.map(of);
  return { worker: worker ?? 0, server: server ?? 0, temporal: temporal ?? 0, postgres: postgres ?? 0 };
};

/** Lets everything go wrong that a plan says, at its times. */
export async function cause(
  world: World,
  troubles: readonly Trouble[],
  accounts: readonly ChaosAccount[],
): Promise<Caused> {
  const caused: Caused = { kills: countKills(() => 0), faults: 0 };
  const over = new AbortController();
  const supervised = supervise(world, over.signal);
  await Promise.all(
    troubles.map(async (trouble) => {
      await sleep(trouble.at);
      if (trouble.kind !== 'kill') {
        await apply(world, trouble, accounts);
        caused.faults += 1;
      } else if (await world.stack.kill(trouble.role, trouble.index, trouble.downMs))
        caused.kills[trouble.role] += 1;
    }),
  );
  over.abort();
  await supervised;
  return caused;
}

/** A process that starts while what it needs is down may end; it is started again until it stays. */
async function supervise({ stack }: World, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await stack.startCrashed();
    await sleep(300);
  }
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
      await api.control('POST', '/tiktok/expire-tokens', { openId: openIdOf(accounts, trouble.account) });
      return;
    case 'refuse':
      await api.control('POST', '/tiktok/fail-next', { reason: trouble.reason });
      return;
    case 'clock':
      await api.control('POST', '/clock', { advanceMs: trouble.advanceMs });
      return;
    case 'remove':
      await api.control('POST', '/tiktok/revoke', { openId: openIdOf(accounts, trouble.account) });
      return;
    case 'return':
      await api.comeBack(accounts[trouble.account]?.username ?? '');
  }
}

function openIdOf(accounts: readonly ChaosAccount[], number: number): string | undefined {
  return accounts[number]?.openId;
}

/** Forgets every fault that has not struck. */
export async function forgetFaults({ api }: World): Promise<void> {
  await api.control('DELETE', '/faults');
  await api.control('POST', '/tiktok/fail-next', { reason: 'internal', times: 0 });
  await api.control('POST', '/webhooks', { drop: 0, duplicate: 0, delay: 0 });
}

/** No new trouble from here on. Faults that have not struck yet still may: on a slow machine the posts come late. */
export async function endTroubles({ api, stack }: World): Promise<void> {
  await api.control('POST', '/webhooks/release');
  await stack.repair();
}
