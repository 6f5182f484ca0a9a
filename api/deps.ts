import type { Client } from '@temporalio/client';
import type { Config } from '../config.ts';
import type { Envelope } from '../crypto/envelope.ts';
import type { KeyProvider } from '../crypto/keys.ts';
import type { MediaLinks } from '../crypto/media-links.ts';
import type { Database } from '../db/client.ts';
import type { MediaHome } from '../media/home.ts';
import type { MediaStore } from '../media/store.ts';
import type { Providers } from '../providers/index.ts';

/** The dependencies that server.ts creates and also closes. */
export interface GivenDeps extends Omit<Deps, 'media'> {
  media: MediaStore;
}

/** The dependencies of the API's own code. */
export interface Deps {
  config: Config;
  database: Database;
  temporal: Client;
  envelope: Envelope;
  keys: KeyProvider;
  media: MediaHome;
  mediaLinks: MediaLinks;
  providers: Providers;
  /** Destination of log lines; standard output without it. */
  log?: { write(line: string): void };
  /** Requests per minute; `LIMITS` without it. */
  limits?: { perKey: number; perAddress: number };
}
