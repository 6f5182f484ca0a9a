import type { Client } from '@temporalio/client';
import type { Db } from '../db/client.ts';
import { findInstallationId, installationId } from '../db/installation.ts';
import { checkNamespace, NamespaceMissing, NamespaceTaken, takeNamespace } from '../temporal/namespace.ts';
import { isDatabaseAway, soon } from './outage.ts';

/** A webhook that PostgreSQL cannot store must not wait long for anything else. */
const PATIENCE_MS = 500;

/**
 * Permits starting workflows once the namespace is known to belong to this installation; checks until then.
 * @returns a function that rejects with NamespaceTaken
 */
export function namespacePermit(temporal: Client, db: Db): () => Promise<void> {
  let ours = false;
  return async () => {
    if (ours) return;
    const id = await soon(installationId(db), 'database_unavailable', PATIENCE_MS).catch(nullIfAway);
    // The owner is unknown while the database is down; meanwhile Temporal stores the webhooks.
    if (id === null) return;
    await takeNamespace(temporal, id);
    ours = true;
  };
}

function nullIfAway(error: unknown): null {
  if (isDatabaseAway(error)) return null;
  throw error;
}

/** Why this installation may not use the namespace; null if no reason is known. */
export async function namespaceProblem(
  temporal: Client,
  db: Db,
): Promise<NamespaceTaken | NamespaceMissing | null> {
  try {
    await checkNamespace(temporal, await findInstallationId(db));
    return null;
  } catch (error) {
    if (error instanceof NamespaceTaken || error instanceof NamespaceMissing) return error;
    throw error;
  }
}
