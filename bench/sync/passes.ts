import process from 'node:process';
import { PROVIDER_NAMES, type ProviderName } from '../../providers/provider.ts';
import { createCallCounter } from '../../sandbox/testing/creator.ts';
import { driverOf } from '../../test/drivers/index.ts';
import type { Row } from '../report.ts';
import type { Stack } from '../stack.ts';
import type { Tenant } from '../tenant.ts';
import {
  askFor,
  connectWithMedia,
  eventsOf,
  isRead,
  type Synced,
  untilCopied,
  untilRoundEnds,
} from './accounts.ts';

/* The price of a pass: calls at the platform, as the sandbox counts them, and events in Temporal. */

const MEDIA = 1_000;
const ROUND_CALLS = 3;
const IDLE_EVENTS = 30;

interface Budget {
  calls: number;
  events: number;
}

/** For a first full pass over 1,000 media without comments (design: CRM sync, budgets). */
const BUDGETS: Readonly<Record<ProviderName, Budget>> = {
  tiktok: { calls: 55, events: 30 },
  instagram: { calls: 10 + MEDIA + 15 + 5, events: 400 },
  threads: { calls: 10 + MEDIA + MEDIA + 15 + 5, events: 400 },
};

/** A first full pass, and a round in which only the list of media is due, for each platform. */
export async function passes(stack: Stack, tenant: Tenant, say: (line: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const provider of PROVIDER_NAMES) rows.push(...(await passesOf(stack, tenant, provider, say)));
  return rows;
}

async function passesOf(
  stack: Stack,
  tenant: Tenant,
  provider: ProviderName,
  say: (line: string) => void,
): Promise<Row[]> {
  const counter = createCallCounter(stack.sandboxUrl);
  const { title } = driverOf(provider);
  // What connecting itself calls is over before sync begins.
  process.kill(stack.worker.pid, 'SIGSTOP');
  const account = await connectWithMedia(stack, tenant, provider, MEDIA);
  await counter.forget();
  process.kill(stack.worker.pid, 'SIGCONT');
  if (!(await isRead(stack, account))) return [{ name: `${title}: nothing is read yet`, measured: '' }];

  const first = await priceSince(stack, account, { calls: 0, events: 0 });
  say(`${title}: the first pass took ${told(first)}`);
  await askFor(tenant, account, { mode: 'incremental', streams: ['media'] });
  const round = await priceSince(stack, account, first.total);
  say(`${title}: a round took ${told(round)}`);
  const budget = BUDGETS[provider];
  return [
    atMost(`${title}: calls of a first full pass over ${MEDIA} media`, first.calls, budget.calls),
    atMost(`${title}: events in Temporal of this pass`, first.events, budget.events),
    atMost(`${title}: calls of a round in which only the list of media is due`, round.calls, ROUND_CALLS),
    atMost(`${title}: events in Temporal of this round, which finds nothing new`, round.events, IDLE_EVENTS),
  ];
}

interface Spent {
  /** Calls at the platform, and events in Temporal. */
  calls: number;
  events: number;
}

interface Price extends Spent {
  /** All so far. */
  total: Spent;
  by: Readonly<Record<string, number>>;
}

/** Waits until nothing is due. @returns the price since `before` */
async function priceSince(stack: Stack, account: Synced, before: Spent): Promise<Price> {
  await untilCopied(stack, account);
  await untilRoundEnds(stack, account);
  const { total: calls, counts: by } = await createCallCounter(stack.sandboxUrl).calls(account.openId);
  const total = { calls, events: await eventsOf(stack, account) };
  return { calls: calls - before.calls, events: total.events - before.events, total, by };
}

const told = ({ calls, events, by }: Price): string =>
  `${calls} calls, ${events} events; all calls so far: ${JSON.stringify(by)}`;

const atMost = (name: string, measured: number, budget: number): Row => ({
  name,
  measured: String(measured),
  budget: `<= ${budget}`,
  ok: measured <= budget,
});
