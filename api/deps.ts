import type { Client } from '@temporalio/client';
import type { Config } from '../config.ts';
import type { Envelope } from '../crypto/envelope.ts';
import type { KeyProvider } from '../crypto/keys.ts';
import type { MediaLinks } from '../crypto/media-links.ts';
import type { Database } from '../db/client.ts';
import type { MediaHome } from '../media/home.ts';
import type { MediaStore } from '../media/store.ts';
import type { Providers } from '../providers/index.ts';

/** What the API is made of; made once by server.ts, which also closes it. */
export interface GivenDeps extends Omit<Deps, 'media'> {
  media: MediaStore;
}

/** What the API works with. */
export interface Deps {
  config: Config;
  database: Database;
  temporal: Client;
  envelope: Envelope;
  keys: KeyProvider;
  media: MediaHome;
  mediaLinks: MediaLinks;
  providers: Providers;
  /** Where log lines go instead of to standard output. */
  log?: { write(line: string): void };
  /** Requests a minute; `LIMITS` without it. */
  limits?: { perKey: number; perAddress: number };
}
