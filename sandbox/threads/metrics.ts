import { badParam } from './problems.ts';

/** The metrics that a call asks for. */
export function metricsOf(params: URLSearchParams, known: string[], refused: string[]): string[] {
  const metrics = (params.get('metric') ?? '').split(',');
  const unknown = metrics.find((metric) => !known.includes(metric));
  if (unknown !== undefined)
    badParam(`(#100) metric must be one of the following values: ${known.join(', ')}`);
  const wrong = metrics.find((metric) => refused.includes(metric));
  if (wrong !== undefined) badParam(`(#100) The metric ${wrong} is not available`);
  return metrics;
}
