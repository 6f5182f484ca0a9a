import { MINUTE, SECOND } from '../../durations.ts';
import type { HttpAnswer } from '../http.ts';
import { amount, record, records, tryParse } from '../json.ts';
import type { Usage } from '../usage.ts';

/* What the headers of Meta's answers say about the calls that it still accepts (instagram-facts 6, threads-facts 1). */

type Headers = HttpAnswer['headers'];
type Row = Readonly<Record<string, unknown>>;

/** Of the app, and of one use of it by one business. Each is a percentage of an allowance (instagram-facts 6). */
const PERCENTAGES = ['call_count', 'total_time', 'total_cputime'];
const REGAIN = 'estimated_time_to_regain_access';

/**
 * What an answer says about its platform's allowance.
 * @returns null if it says nothing, which is no sign that the allowance is free: not every answer has these headers
 */
export function usageOf(provider: string, headers: Headers): Usage | null {
  const businesses = ofProvider(provider, businessRows(headers));
  const percents = [...appRows(headers), ...businesses].flatMap((row) => PERCENTAGES.map((key) => row[key]));
  const percent = largest(percents);
  const minutes = largest(businesses.map((row) => row[REGAIN])) ?? 0;
  if (percent === null && minutes === 0) return null;
  return {
    ...(percent === null ? {} : { percent }),
    ...(minutes === 0 ? {} : { retryAfterMs: minutes * MINUTE }),
  };
}

/**
 * How long a platform refuses calls, as its refusal says.
 * @returns null if it does not say
 */
export function toldWait(provider: string, headers: Headers): number | null {
  const rows = businessRows(headers);
  const own = ofProvider(provider, rows);
  const minutes = largest((own.length > 0 ? own : rows).map((row) => row[REGAIN])) ?? 0;
  if (minutes > 0) return minutes * MINUTE;
  return retryAfter(headers);
}

/** Meta documents no Retry-After (instagram-facts 6); we obey one if it comes. */
export function retryAfter(headers: Headers): number | null {
  const seconds = largest(valuesOf(headers, 'retry-after'));
  return seconds === null ? null : seconds * SECOND;
}

function appRows(headers: Headers): Row[] {
  return valuesOf(headers, 'x-app-usage').map((value) => record(tryParse(value)) ?? {});
}

/** The rows of every business in the header. */
function businessRows(headers: Headers): Row[] {
  return valuesOf(headers, 'x-business-use-case-usage').flatMap((value) =>
    Object.values(record(tryParse(value)) ?? {}).flatMap(records),
  );
}

/** The header also lists other uses of the app, such as ads. */
function ofProvider(provider: string, rows: readonly Row[]): Row[] {
  return rows.filter(({ type }) => type === provider);
}

function valuesOf(headers: Headers, name: string): string[] {
  return [headers[name] ?? []].flat();
}

function largest(values: readonly unknown[]): number | null {
  const numbers = values.map(amount).filter((value) => value !== null);
  return numbers.length === 0 ? null : Math.max(...numbers);
}
