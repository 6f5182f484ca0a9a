import rateLimit from '@fastify/rate-limit';
import type { AuditEntry } from '../db/audit.ts';
import { MINUTE } from '../durations.ts';

/**
 * Limits of the audit rows about refused calls, per minute: for one address, and for all. Anyone can make such calls,
 * as many as they like.
 */
const MOST = { ofAddress: 20, ofAll: 200 };

const minute = { until: 0, rows: 0, addresses: new Map<string, number>(), untold: 0 };

/**
 * Bounds the number of audit rows about refused calls.
 * @returns the row to write; null if this minute already has enough. The next row's `details.untold` then counts the
 *   calls without a row
 */
export function boundRefusals(ip: string, entry: AuditEntry): AuditEntry | null {
  if (minute.until < Date.now()) {
    Object.assign(minute, { until: Date.now() + MINUTE, rows: 0 });
    minute.addresses.clear();
  }
  const address = rateLimit.normalizeIP(ip);
  const rows = minute.addresses.get(address) ?? 0;
  if (rows >= MOST.ofAddress || minute.rows >= MOST.ofAll) {
    minute.untold += 1;
    return null;
  }
  minute.rows += 1;
  minute.addresses.set(address, rows + 1);
  const { untold } = minute;
  minute.untold = 0;
  return { ...entry, details: { ...entry.details, ...(untold === 0 ? {} : { untold }) } };
}
