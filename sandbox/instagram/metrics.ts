import { refuseGraph } from '../meta/errors.ts';
import { badParam } from './problems.ts';

/** Metrics that ended in 2025 (instagram-facts 7.4). */
const ENDED = ['impressions', 'plays', 'video_views', 'engagement'];

/** The metrics of a request. One that is not known fails the whole call. */
export function metricsOf(
  params: URLSearchParams,
  known: string[],
  unknown: (metric: string) => string,
): string[] {
  const metrics = params.get('metric')?.split(',') ?? badParam('The parameter metric is required');
  for (const metric of metrics) {
    if (ENDED.includes(metric)) {
      badParam(`Starting from version 22 and above, the ${metric} metric is no longer supported`);
    }
    if (!known.includes(metric)) badParam(unknown(metric));
  }
  return metrics;
}

/** A metric without breakdowns answers like an outage, for good (instagram-facts 12). */
export function requireBreakdown(
  metrics: string[],
  breakdown: string | null,
  breakdowns: Record<string, string[]>,
): void {
  if (breakdown === null) return;
  for (const metric of metrics) {
    const allowed = breakdowns[metric];
    if (allowed === undefined)
      refuseGraph({ code: 1, message: 'An unknown error has occurred.', status: 500 });
    if (!allowed.includes(breakdown)) badParam(`breakdown must be one of ${allowed.join(', ')}`);
  }
}

/** `total_value` with its breakdown, where one was asked for. */
export function totalValue(value: number, breakdown: string | null, results: Record<string, number>): object {
  if (breakdown === null) return { total_value: { value } };
  const rows = Object.entries(results).map(([dimension, count]) => ({
    dimension_values: [dimension],
    value: count,
  }));
  return { total_value: { value, breakdowns: [{ dimension_keys: [breakdown], results: rows }] } };
}
