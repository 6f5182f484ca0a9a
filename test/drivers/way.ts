import type { Person, Sandbox } from './sandbox.ts';

/* A way to connect an account of a platform, as the conformance suite needs it. Nothing here depends on Everpost. */

/** Media that posts can name. */
export interface Files {
  videoId: string;
  imageId: string;
  videoUrl: string;
  imageUrl: string;
}

/** One kind of post. */
export interface Example {
  /** The body of the request, without the account. */
  body: Record<string, unknown>;
  /** Default: `published`. */
  ends?: 'delivered';
  /** The number of live posts it makes; default: one. */
  live?: number;
  /** The most events that it may leave in Temporal, if not the number for a post with one file. */
  events?: number;
}

export interface Way {
  /** The label of its cases. */
  label: string;
  /** What people read. */
  title: string;
  /** As the API names it; null: the usual one. */
  method: string | null;
  /** Settings of the sandbox without which the cases would take days. */
  prepare?: (sandbox: Sandbox) => Promise<unknown>;
  /** A consent that lacks required scopes. */
  incomplete: { scopes: string[]; missing: string[] };
  /** Every kind of post, by name. */
  examples: (files: Files, sandbox: Sandbox) => Promise<Record<string, Example>>;
  /**
   * Endpoints (sandbox/README.md): of all writes, with the number of calls that the examples make; of the calls after
   * them, and those among them that get details of a live post; of refreshing a token, and of revoking it.
   */
  endpoints: {
    writes: Record<string, number>;
    others: string[];
    details?: string;
    refresh: string | null;
    revoke: string | null;
  };
  /** The endpoint that makes a carousel of containers that expire; absent: there is none. */
  carousel?: string;
  /** Puts the next posts over the platform's limit, or lifts it again. */
  allow: (sandbox: Sandbox, person: Person, posts: 'one' | 'many') => Promise<unknown>;
  /** The answer to a call with a bad token. */
  tokenRefusal: { http: number; code: string };
  /** Makes the platform refuse the account's token. */
  spoilToken: (sandbox: Sandbox, person: Person) => Promise<unknown>;
  /** Whether a refused token can still be exchanged for a good one. */
  revives: boolean;
  /** Whether the platform can report that a write did not happen; otherwise only live posts are found. */
  tellsOfNothing: boolean;
  /** The account's status after the answer of a refresh is lost: has the platform ended the old token? */
  lostRefresh: 'active' | 'reauth_required';
}
