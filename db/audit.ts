import type { Db } from './client.ts';
import { auditLog } from './schema.ts';

/** An access-related action of a user, a client or a provider. `details` never holds a secret. */
export interface AuditEntry {
  userId?: string | null;
  /** `admin`, `api_key:<id>`, `creator`, `system`, or a provider's name. */
  actor: string;
  action: string;
  subject?: string | null;
  ip?: string | null;
  details?: Record<string, unknown>;
}

/** Records an authentication or authorization event. */
export async function audit(db: Db, entry: AuditEntry): Promise<void> {
  await db.insert(auditLog).values(entry);
}
