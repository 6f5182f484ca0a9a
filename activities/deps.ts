import type { Client } from '@temporalio/client';
import type { Envelope } from '../crypto/envelope.ts';
import type { KeyProvider } from '../crypto/keys.ts';
import type { Db } from '../db/client.ts';
import type { MediaHome } from '../media/home.ts';
import type { Providers } from '../providers/index.ts';

/** What activities work with; made once by worker.ts. */
export interface Deps {
  db: Db;
  envelope: Envelope;
  keys: KeyProvider;
  providers: Providers;
  mediaStore: MediaHome;
  /** How long files are kept that no open post needs; null: for ever. */
  mediaRetentionMs: number | null;
  /** Where a provider can fetch one of our media, for some hours. */
  mediaUrl: (mediaId: string) => string;
  /** To ask and start other workflows. */
  temporal: Client;
}
