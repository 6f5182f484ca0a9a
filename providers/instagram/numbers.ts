import type { Insight } from '../../reading.ts';
import { record, records, word } from '../json.ts';
import type { Json } from './reads.ts';

/* Reads what `insights` answers (instagram-facts 7.4 and 7.5). */

/** A number of any size; null if there is none, which is not 0. */
export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The numbers of one metric: its total, and the parts of it. Values of a series are left to their own reader. */
export function numbersOf(row: Json): Pick<Insight, 'metric' | 'breakdown' | 'value'>[] {
  const metric = word(row['name']);
  if (metric === null) return [];
  const total = record(row['total_value']);
  const value = numberOf(total?.['value']) ?? numberOf(records(row['values'])[0]?.['value']);
  const whole = value === null ? [] : [{ metric, breakdown: '', value }];
  const parts = records(total?.['breakdowns']).flatMap((of) => {
    const keys = words(of['dimension_keys']);
    return records(of['results']).flatMap((result) => {
      const part = numberOf(result['value']);
      const values = words(result['dimension_values']);
      if (part === null || values.length !== keys.length || keys.length === 0) return [];
      const breakdown = keys
        .map((key, index) => `${key}=${values[index] ?? ''}`)
        .join(',')
        .slice(0, LONGEST_BREAKDOWN)
        .toWellFormed();
      return [{ metric, breakdown, value: part }];
    });
  });
  return [...whole, ...parts];
}

const LONGEST = 200;
const LONGEST_BREAKDOWN = 500;

function words(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [];
  return list.flatMap((one) => (typeof one === 'string' ? [one.slice(0, LONGEST).toWellFormed()] : []));
}
