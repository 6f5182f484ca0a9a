import { failure, ok, warning, type Finding } from './check.ts';

/** Schedules, expiries and signatures are compared across machines. */
const WORTH_A_LOOK_MS = 2_000;
const WRONG_MS = 30_000;

/** @param aheadMs how far the clock of `of` is ahead of ours */
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
 * Temporal does not report its time, so its clock is judged by its past and next events. A clock that is wrong by less
 * than the sweep's interval, a minute, is not noticed.
 * @param lastPoll when a worker last polled, by Temporal's clock; 0: never
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
