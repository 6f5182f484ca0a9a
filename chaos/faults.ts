import { setTimeout as sleep } from 'node:timers/promises';
import { comeBack } from './accounts.ts';
import { endBackends } from './backends.ts';
import { driverOf, DRIVERS } from '../test/drivers/index.ts';
import type { ChaosAccount } from './creators.ts';
import type { Trouble } from './trouble.ts';
import { type Role, ROLES } from './roles.ts';
import type { World } from './world.ts';

export interface Caused {
  kills: Record<Role, number>;
  /** Connections to PostgreSQL that were ended one by one. */
  backends: number;
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
  const caused: Caused = { kills: countKills(() => 0), backends: 0, faults: 0 };
  const over = new AbortController();
  const supervised = supervise(world, over.signal);
  await Promise.all(
    troubles.map(async (trouble) => {
      await sleep(trouble.at);
      if (trouble.kind === 'backend')
        caused.backends += await endBackends(world.stack.sql, trouble.draw, trouble.next);
      else if (trouble.kind !== 'kill') {
        await apply(world, trouble, accounts);
        caused.faults += 1;
      } else if (await world.stack.fleet.kill(trouble.role, trouble.index, trouble.downMs))
        caused.kills[trouble.role] += 1;
    }),
  );
  over.abort();
  await supervised;
  return caused;
}

/** Starts what has ended by itself, as a supervisor would. The round counts it, and fails. */
async function supervise({ stack }: World, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await stack.fleet.startCrashed();
    await sleep(300);
  }
}

async function apply(
  { api }: World,
  trouble: Exclude<Trouble, { kind: 'kill' | 'backend' }>,
  accounts: readonly ChaosAccount[],
): Promise<void> {
  switch (trouble.kind) {
    case 'fault':
      await api.control('POST', '/faults', trouble.fault);
      return;
    case 'webhooks':
      await api.control('POST', '/webhooks', trouble.settings);
      return;
    case 'refuse':
      await driverOf(trouble.provider).chaos.refuse(api, 1);
      return;
    case 'clock':
      await api.control('POST', '/clock', { advanceMs: trouble.advanceMs });
      return;
    case 'expire':
    case 'remove':
    case 'return':
    case 'tell': {
      const account = accounts[trouble.account];
      if (account === undefined) throw new Error(`no account ${trouble.account}`);
      const { chaos, tell, removeApp } = driverOf(account.provider);
      const told = [{ openId: account.openId, mark: trouble.kind === 'tell' ? trouble.mark : '' }];
      if (trouble.kind === 'return') await comeBack(api, account);
      else if (trouble.kind === 'expire') await chaos.expire(api, account);
      else if (trouble.kind === 'remove') await removeApp(api, account);
      else if (chaos.moreEvents === true) await tell?.(api, told, account.method);
    }
  }
}

/** Forgets every fault that has not struck. */
export async function forgetFaults({ api }: World): Promise<void> {
  await api.control('DELETE', '/faults');
  for (const { chaos } of DRIVERS) await chaos.refuse(api, 0);
  await api.control('POST', '/webhooks', { drop: 0, duplicate: 0, delay: 0 });
}

/** No new trouble from here on. Faults that have not struck yet still may: on a slow machine the posts come late. */
export async function endTroubles({ api, stack }: World): Promise<void> {
  await api.control('POST', '/webhooks/release');
  await stack.repair();
}
