import type { CatalogueRow } from './errors.ts';

/** What clients, operators and people read about a provider. */
export interface About {
  /** The name as people write it. */
  readonly title: string;
  /** The ways to connect an account, the usual one first; absent: there is only one. */
  readonly methods?: readonly string[];
  /** The path of its publish route; absent: `/api/<name>/publish`. */
  readonly publishPath?: string;
  /** Whether its providers tell how an account's quotas stand: they have `limits`. */
  readonly tellsLimits: boolean;
  /** A body of its publish route, without what every body has. @param mediaId an id to show */
  example(mediaId: string): object;
  /** For the table `error-codes` of docs/providers/<name>.md. */
  readonly errorCodes: CodeTable;
  /** For its table `fail-reasons`; absent: it has none. */
  readonly failReasons?: Readonly<Record<string, FailReason>>;
}

/** What the platform's error codes mean for a post, in order. */
export interface CodeTable {
  /** The heads of the columns that name a code. */
  head: readonly string[];
  rows: readonly { names: readonly string[]; meaning: CatalogueRow & { tries?: number } }[];
}

/** Why the platform ended a post. */
export interface FailReason {
  retryable: boolean;
  userMessage: string;
}
