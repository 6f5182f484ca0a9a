import type { Db } from './client.ts';
import { auditLog } from './schema.ts';

/** Something that a person, a client or a provider did to access. Never a secret in `details`. */
export interface AuditEntry {
  userId?: string | null;
  /** Who: `admin`, `api_key:<id>`, `creator`, `system`, a provider's name. */
  actor: string;
  action: string;
  subject?: string | null;
  ip?: string | null;
  details?: Record<string, unknown>;
}

/** Notes an authentication or authorization event. */
export async function audit(db: Db, entry: AuditEntry): Promise<void> {
  await db.insert(auditLog).values(entry);
}
