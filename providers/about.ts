import type { CatalogueRow } from './errors.ts';

/** The name of a platform, and what its documentation shows. */
export interface About {
  /** The name as people write it. */
  readonly title: string;
  /** The ways to connect an account, the usual one first; absent: there is only one. */
  readonly methods?: readonly string[];
  /** The path of its publish route; absent: `/api/<name>/publish`. */
  readonly publishPath?: string;
  /** Whether the platform reports an account's quotas: then its providers have `limits`. */
  readonly tellsLimits: boolean;
  /** An example body of its publish route, without the fields that all providers share. @param mediaId an example id */
  example(mediaId: string): object;
  /** The table `error-codes` of docs/providers/<name>.md. */
  readonly errorCodes: CodeTable;
  /** Its table `fail-reasons`; absent: it has none. */
  readonly failReasons?: Readonly<Record<string, FailReason>>;
}

/** The platform's error codes, in the order of the table. */
export interface CodeTable {
  /** Headings of the columns that name a code. */
  head: readonly string[];
  rows: readonly { names: readonly string[]; meaning: CatalogueRow & { tries?: number } }[];
}

/** A reason of the platform for failing a post. */
export interface FailReason {
  retryable: boolean;
  userMessage: string;
}
