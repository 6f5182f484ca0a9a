import type { Client } from '@temporalio/client';
import type { Envelope } from '../crypto/envelope.ts';
import type { KeyProvider } from '../crypto/keys.ts';
import type { Db } from '../db/client.ts';
import type { MediaHome } from '../media/home.ts';
import type { Providers } from '../providers/index.ts';

/** The dependencies of activities, created by worker.ts. */
export interface Deps {
  db: Db;
  envelope: Envelope;
  keys: KeyProvider;
  providers: Providers;
  mediaStore: MediaHome;
  /** How long to keep files that no open post needs; null: forever. */
  mediaRetentionMs: number | null;
  /** A URL where a provider can fetch one of our media, valid for some hours. */
  mediaUrl: (mediaId: string) => string;
  /** Whether anything is copied from the platforms. */
  syncs: boolean;
  /** Queries and starts other workflows. */
  temporal: Client;
}
