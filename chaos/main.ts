import { randomInt } from 'node:crypto';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { keepRegression } from './regressions.ts';
import { byProvider, table } from './report.ts';
import { type RoundResult, runRound } from './round.ts';
import { findSecrets } from './secrets.ts';
import { createWorld } from './world.ts';

/*
 * `npm run chaos -- --runs N --seed S`: N publishes in rounds, each with its own seed (S, S + 1, ...), over real
 * processes and connections that are killed and a failing provider. Exits with 0 only if there is no duplicate, loss or
 * mismatch, and no process died by itself.
 */

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    /** Publishes in a round; a plan depends on it. */
    round: { type: 'string', default: '100' },
  },
});
const runs = positive('runs', values.runs);
const perRound = positive('round', values.round);
const seed = values.seed === undefined ? randomInt(1_000_000) : positive('seed', values.seed);

const since = Date.now();
const say = (line: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - since) / 1000)).padStart(5)} s  ${line}\n`);

say(`${runs} publishes from seed ${seed}, ${Math.min(runs, perRound)} at once`);
// The current round is still finished; a second signal ends everything at once.
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
const world = await createWorld(values.verbose ? say : undefined);
say('all processes are up');
const results: RoundResult[] = [];
let leaks: string[] = [];
try {
  for (let left = runs, next = seed; left > 0 && !interrupt.signal.aborted; left -= perRound, next += 1) {
    const publishes = Math.min(left, perRound);
    const result = await runRound(world, next, publishes);
    results.push(result);
    say(table([result]));
    if (result.problems.length === 0) continue;
    say(
      `seed ${next} failed. Run it again: npm run chaos -- --runs ${publishes} --round ${perRound} --seed ${next}`,
    );
    for (const problem of result.problems) say(problem);
    keepRegression(next, publishes, result.problems[0]?.split('\n')[0]?.trim() ?? '');
  }
  leaks = await findSecrets(world);
  for (const leak of leaks) say(leak);
} finally {
  for (const how of world.stack.fleet.died) say(`died by itself: ${how}`);
  await world.close();
}
process.stdout.write(`\n${table(results)}\n\n${byProvider(results)}\n`);
process.exitCode =
  interrupt.signal.aborted ||
  leaks.length > 0 ||
  world.stack.fleet.died.length > 0 ||
  results.some(({ problems }) => problems.length > 0)
    ? 1
    : 0;

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} must be a whole number from 1`);
  return number;
}
