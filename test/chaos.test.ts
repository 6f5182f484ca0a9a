import { afterAll, beforeAll, expect, test } from 'vitest';
import { planAnswers } from '../chaos/answers.ts';
import { planLives } from '../chaos/lives.ts';
import { planRound } from '../chaos/plan.ts';
import { regressions } from '../chaos/regressions.ts';
import { runRound } from '../chaos/round.ts';
import { findSecrets } from '../chaos/secrets.ts';
import { createWorld, type World } from '../chaos/world.ts';

/*
 * No post twice, no post lost: a few fixed seeds of `npm run chaos`, and every seed that ever failed. The runner starts
 * its own processes, because it kills them.
 */

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());

test('a seed always yields the same plan', () => {
  expect(planRound(7, 50)).toEqual(planRound(7, 50));
  expect(planRound(7, 50)).not.toEqual(planRound(8, 50));
  expect(planLives(7, 20, 6_000)).toEqual(planLives(7, 20, 6_000));
  const { accounts } = planRound(7, 50);
  expect(planAnswers(7, accounts, 6_000)).toEqual(planAnswers(7, accounts, 6_000));
});

test.for([{ seed: 11, publishes: 25 }, { seed: 12, publishes: 25 }, ...regressions()])(
  'seed $seed: $publishes publishes under faults, none twice, none lost',
  { timeout: 360_000 },
  async ({ seed, publishes }) => {
    const result = await runRound(world, seed, publishes);
    expect(result.problems.join('\n')).toBe('');
    expect(result.outcomes.length).toBe(publishes);
    expect(result.kills).toBeGreaterThan(0);
  },
);

test('no secret was written anywhere', async () => {
  expect(world.secrets.size).toBeGreaterThan(20);
  expect(await findSecrets(world)).toEqual([]);
});
