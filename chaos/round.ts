import { connectAccounts } from './accounts.ts';
import { answerAll, compareAnswers, endAnswers, planAnswers } from './answers.ts';
import { compare } from './compare.ts';
import { compareCopies } from './copies.ts';
import { drive, reconnect } from './drive.ts';
import { compareEvents } from './events.ts';
import { evidenceOf } from './evidence.ts';
import { cause, endTroubles, forgetFaults } from './faults.ts';
import type { Outcome } from './judge.ts';
import { live, planLives } from './lives.ts';
import type { Kind, Offence } from './offence.ts';
import { offerAll } from './offer.ts';
import { planRound } from './plan.ts';
import { collectSecrets } from './secrets.ts';
import { openWorkflows } from './time.ts';
import { type Role, ROLES } from './roles.ts';
import type { World } from './world.ts';

/** The result of one seed. */
export interface RoundResult {
  seed: number;
  publishes: number;
  outcomes: readonly Outcome[];
  kills: number;
  killed: Record<Role, number>;
  /** Connections to PostgreSQL that were ended one by one. */
  backends: number;
  faults: number;
  /** Processes that died by themselves: none may. */
  died: number;
  /** Events that legitimately belong to no post. */
  strays: number;
  /** Copies of media that were compared with what the platforms know. */
  copies: number;
  /** Replies to comments that the API took. */
  answers: number;
  counts: Record<Kind, number>;
  seconds: number;
  /** Every violation, with its evidence; empty: all is well. */
  problems: string[];
}

/** Offers a seed's posts while its troubles happen, drives all to the end, and compares. */
export async function runRound(world: World, seed: number, publishes: number): Promise<RoundResult> {
  const since = Date.now();
  const plan = planRound(seed, publishes);
  world.rounds += 1;
  const tag = `${seed}-${world.rounds}`;
  const diedBefore = world.stack.fleet.died.length;
  await forgetFaults(world);
  await endTroubles(world);
  await world.api.control('DELETE', '/requests');
  const accounts = await connectAccounts(world, tag, plan.accounts);

  world.say(`${tag}: ${accounts.length} accounts are connected`);
  const { offered, done } = offerAll(world, plan, tag, accounts);
  const replies = answerAll(world, planAnswers(seed, plan.accounts, plan.durationMs), tag, accounts);
  const lives = live(world, planLives(seed, accounts.length, plan.durationMs), accounts);
  const [caused] = await Promise.all([cause(world, plan.troubles, accounts), lives]);
  await endTroubles(world);
  world.say(`${tag}: the troubles have ended`);
  const offences = await drive(world, accounts, Promise.all([done, replies.done]));

  await endAnswers(world, replies.answers);
  world.say(`${tag}: all have come to their end`);
  const compared = await compare(world, accounts, offered, replies.answers);
  const events = await compareEvents(world, accounts);
  offences.push(...compared.offences, ...events.offences, ...(await compareAnswers(world, replies.answers)));
  await forgetFaults(world);
  await reconnect(world, accounts);
  const copied = await compareCopies(world, accounts);
  offences.push(...copied.offences);
  await collectSecrets(world);
  world.say(`${tag}: compared`);
  const problems = await Promise.all(
    offences.map(async (offence) => `${describe(offence)}\n${await evidenceOf(world, offence)}`.trimEnd()),
  );
  await forgetEvents(world);
  const died = world.stack.fleet.died.slice(diedBefore);
  return {
    seed,
    publishes,
    outcomes: compared.outcomes,
    kills: ROLES.reduce((total, role) => total + caused.kills[role], 0),
    killed: caused.kills,
    backends: caused.backends,
    faults: caused.faults,
    died: died.length,
    strays: events.strays,
    copies: copied.copies,
    answers: replies.answers.filter(({ actionIds }) => actionIds.size > 0).length,
    counts: count(offences),
    seconds: Math.round((Date.now() - since) / 1000),
    problems: [...problems, ...died.map((how) => `  died by itself: ${how}`)],
  };
}

function describe({ kind, what, postId, title }: Offence): string {
  return `  ${kind}: ${what}${postId === null ? '' : ` (post ${postId}, ${title ?? 'no title'})`}`;
}

function count(offences: readonly Offence[]): Record<Kind, number> {
  const counts = { duplicate: 0, loss: 0, mismatch: 0 };
  for (const { kind } of offences) counts[kind] += 1;
  return counts;
}

/** Events that can belong to no post are retried for three days: not in the next rounds. */
async function forgetEvents(world: World): Promise<void> {
  for (const workflowId of await openWorkflows(world, 'handleEvent', 0))
    await world.stack.temporal.workflow
      .getHandle(workflowId)
      .terminate('the round has ended')
      .catch(() => {});
}
