import { failure, ok, warning, type Finding } from './check.ts';

/** Schedules, expiries and signatures are compared across machines. */
const WORTH_A_LOOK_MS = 2_000;
const WRONG_MS = 30_000;

/** @param aheadMs how far the clock of `of` is before ours */
export function clockFinding(of: string, aheadMs: number): Finding {
  const off = Math.abs(aheadMs);
  const text = `the clock of ${of} is ${(off / 1000).toFixed(1)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  if (off < WORTH_A_LOOK_MS) return ok(`the clock of ${of} agrees with this machine's`);
  const advice = `${text}: let both be set by NTP`;
  return off < WRONG_MS ? warning(advice) : failure(advice);
}

/** The next start of a Schedule is known a little late, and moved by its jitter. */
const SLACK_MS = 10_000;

/**
 * Temporal tells no time, so its clock is judged by what has happened by it, and what is next. A clock that is off by less
 * than the interval of the sweep, a minute, is not found.
 * @param lastPoll when a worker has last asked for work, by Temporal's clock; 0: none has
 * @param next when the sweep starts next, by Temporal's clock
 */
export function temporalClock(lastPoll: number, next: readonly Date[]): Finding[] {
  const now = Date.now();
  const [first, second] = next.map((time) => time.getTime());
  if (first === undefined || second === undefined) return [];
  const ahead = Math.max(lastPoll, first - (second - first) - SLACK_MS) - now;
  const behind = now - first - SLACK_MS;
  if (ahead > 0) return [clockFinding('Temporal', ahead)];
  if (behind > 0) return [clockFinding('Temporal', -behind)];
  return [ok("the clock of Temporal agrees with this machine's, to the minute")];
}
