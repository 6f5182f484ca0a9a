import { Counter, Gauge, Histogram } from 'prom-client';
import { registry } from './registry.ts';

/*
 * Everything that a process counts as it goes. Labels are of our own words, which are few: no user, account, post, text or
 * URL, and nothing that a provider or a client has said. docs/operations.md lists these metrics.
 */

const registers = [registry];

const postsEnded = new Counter({
  name: 'everpost_posts_ended_total',
  help: 'Posts that came to a final state, by that state. A post that is proved to be live after all counts again.',
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
  help: 'From the moment when a post was due (accepted, or scheduled for) until it was published.',
  labelNames: ['provider'],
  buckets: [1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14_400, 86_400],
  registers,
});

const quotaWaits = new Counter({
  name: 'everpost_quota_waits_total',
  help: 'How often a post began to wait for a quota, by the quota.',
  labelNames: ['provider', 'quota'],
  registers,
});

export const webhooksRefused = new Counter({
  name: 'everpost_webhooks_refused_total',
  help: 'Webhooks and callbacks that were refused, by the code of the refusal.',
  labelNames: ['provider', 'code'],
  registers,
});

const sweepRepairs = new Counter({
  name: 'everpost_sweep_repairs_total',
  help: 'What the sweep of this worker has repaired, by kind.',
  labelNames: ['kind'],
  registers,
});

const lastSweep = new Gauge({
  name: 'everpost_sweep_last_success_timestamp_seconds',
  help: 'When a sweep of this worker ended well for the last time; 0: never.',
  registers,
});

export const providerCalls = new Histogram({
  name: 'everpost_provider_call_duration_seconds',
  help: 'Calls of providers, by what came of them: ok, or the kind of the refusal.',
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

/** Counts the end of a post. @param first whether it was open before; else the end that it had was corrected */
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

/** @returns what was counted */
export function countRepairs<Repairs extends object>(repairs: Repairs): Repairs {
  for (const [kind, count] of Object.entries(repairs)) sweepRepairs.inc({ kind }, Number(count));
  lastSweep.setToCurrentTime();
  return repairs;
}

/** Series that are there from the start: the first failure is then an increase that Prometheus sees. */
export function startAtZero(providers: readonly string[], finalStates: readonly string[]): void {
  for (const provider of providers) {
    for (const state of finalStates) postsEnded.inc({ provider, state }, 0);
    dueToPublished.zero({ provider });
  }
}

const MOST_CODES = 200;
const seen = new Set<string>();

/** Codes are ours and few. This is the second line: whatever else comes, the number of series has an end. */
function codeLabel(code: string): string {
  if (seen.has(code)) return code;
  if (!/^[a-z0-9_.:/]{1,64}$/.test(code) || seen.size >= MOST_CODES) return 'other';
  seen.add(code);
  return code;
}
