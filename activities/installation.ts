import { log } from '@temporalio/activity';
import { memzero } from 'libsodium-wrappers';
import { EnvelopeError } from '../crypto/errors.ts';
import { findInstallation, rewrapInstallation } from '../db/installation.ts';
import type { Deps } from './deps.ts';

/** Rewraps the installation's secret with the first key of the keyring, so that an older key can be removed. */
export async function rewrapSecret({ db, keys }: Pick<Deps, 'db' | 'keys'>): Promise<void> {
  const row = await findInstallation(db);
  if (row === null || row.kekId === keys.activeKeyId) return;
  try {
    const secret = await keys.unwrap(row.kekId, row.secretWrapped);
    try {
      await rewrapInstallation(db, row, await keys.wrap(secret));
    } finally {
      memzero(secret);
    }
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    // Nothing else in the sweep needs the secret.
    log.error('no key opens the secret of this installation; "npm run doctor" says what to do', {
      code: error.code,
      keyId: row.kekId,
    });
  }
}
