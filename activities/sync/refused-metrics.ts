import type { Progress } from '../../db/schema.ts';
import { DAY } from '../../durations.ts';

/* The metrics that a platform refuses, by kind of media; those of an account have the kind ''. */

/** A refused metric is believed to be refused for so long. */
const REFUSED_FOR = 30 * DAY;

/** The metrics that are not to be asked for. */
export function refusedOf({ refused }: Progress, kind: string, now: number): string[] {
  return Object.entries(refused?.[kind] ?? {}).flatMap(([metric, until]) =>
    Date.parse(until) > now ? [metric] : [],
  );
}

/** The progress with metrics that the platform has just refused. */
export function learnt(progress: Progress, kind: string, metrics: readonly string[]): Progress {
  if (metrics.length === 0) return progress;
  const until = new Date(Date.now() + REFUSED_FOR).toISOString();
  const added = Object.fromEntries(metrics.map((metric) => [metric, until]));
  return {
    ...progress,
    refused: { ...progress.refused, [kind]: { ...progress.refused?.[kind], ...added } },
  };
}
