import rateLimit from '@fastify/rate-limit';
import type { AuditEntry } from '../db/audit.ts';
import { MINUTE } from '../durations.ts';

/** Audit rows a minute about refused calls: of one address, and of all. Anybody can make such calls, as many as they like. */
const MOST = { ofAddress: 20, ofAll: 200 };

const minute = { until: 0, rows: 0, addresses: new Map<string, number>(), untold: 0 };

/**
 * Bounds the audit rows about refused calls.
 * @returns the row to write; null when this minute has enough of them. The next row then says in `details.untold` how many
 *   calls have none
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
