import { Counter, Gauge, Histogram } from 'prom-client';
import { registry } from './registry.ts';

/*
 * All counters of a process. Label values come from a small fixed set of our own: never a user, account, post, text or
 * URL, and nothing that a provider or a client sent. docs/operations.md lists these metrics.
 */

const registers = [registry];

const postsEnded = new Counter({
  name: 'everpost_posts_ended_total',
  help: 'Posts that reached a final state, by state. A post later found to be live counts again.',
  labelNames: ['provider', 'state'],
  registers,
});

const postErrors = new Counter({
  name: 'everpost_post_errors_total',
  help: 'Posts that ended with an error, by its code.',
  labelNames: ['provider', 'error_code'],
  registers,
});

const dueToPublished = new Histogram({
  name: 'everpost_post_due_to_published_seconds',
  help: 'Time from when a post was due (its acceptance or its scheduled time) until it was published.',
  labelNames: ['provider'],
  buckets: [1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400, 86_400],
  registers,
});

const quotaWaits = new Counter({
  name: 'everpost_quota_waits_total',
  help: 'How often a post started to wait for a quota, by quota.',
  labelNames: ['provider', 'quota'],
  registers,
});

export const webhooksRefused = new Counter({
  name: 'everpost_webhooks_refused_total',
  help: 'Refused webhooks and callbacks, by error code.',
  labelNames: ['provider', 'code'],
  registers,
});

const sweepRepairs = new Counter({
  name: 'everpost_sweep_repairs_total',
  help: 'Repairs by the sweep on this worker, by kind.',
  labelNames: ['kind'],
  registers,
});

const lastSweep = new Gauge({
  name: 'everpost_sweep_last_success_timestamp_seconds',
  help: 'Time of the last successful sweep on this worker; 0: never.',
  registers,
});

export const providerCalls = new Histogram({
  name: 'everpost_provider_call_duration_seconds',
  help: 'Duration of provider calls, by outcome: ok, or the kind of the error.',
  labelNames: ['provider', 'call', 'outcome'],
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  registers,
});

/** A post that has just ended. */
interface Ended {
  provider: string;
  state: string;
  errorCode: string | null;
  scheduledAt: Date | null;
  createdAt: Date;
}

/** Counts the end of a post. @param first whether the post was open before; otherwise its end was corrected */
export function countEnd(post: Ended, { first }: { first: boolean }): void {
  const { provider, state, errorCode } = post;
  postsEnded.inc({ provider, state });
  if (errorCode !== null) postErrors.inc({ provider, error_code: codeLabel(errorCode) });
  if (state !== 'published' || !first) return;
  const dueAt = post.scheduledAt ?? post.createdAt;
  dueToPublished.observe({ provider }, Math.max(0, Date.now() - dueAt.getTime()) / 1000);
}

export function countQuotaWait(provider: string, quota: string): void {
  quotaWaits.inc({ provider, quota: codeLabel(quota) });
}

/** @returns the repairs it counted */
export function countRepairs<Repairs extends object>(repairs: Repairs): Repairs {
  for (const [kind, count] of Object.entries(repairs)) sweepRepairs.inc({ kind }, Number(count));
  lastSweep.setToCurrentTime();
  return repairs;
}

/** Creates the series at the start, so that Prometheus sees the first failure as an increase. */
export function startAtZero(providers: readonly string[], finalStates: readonly string[]): void {
  for (const provider of providers) {
    for (const state of finalStates) postsEnded.inc({ provider, state }, 0);
    dueToPublished.zero({ provider });
  }
}

const MOST_CODES = 200;
const seen = new Set<string>();

/** Codes are ours, and there are few. This is a second safeguard: whatever arrives, the number of series is bounded. */
function codeLabel(code: string): string {
  if (seen.has(code)) return code;
  if (!/^[a-z0-9_.:/]{1,64}$/.test(code) || seen.size >= MOST_CODES) return 'other';
  seen.add(code);
  return code;
}
