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
