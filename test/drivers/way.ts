import type { Person, Sandbox } from './sandbox.ts';

/* A way to connect an account of a platform, as the conformance suite needs it. Nothing here says anything about Everpost. */

/** Media that posts can name. */
export interface Files {
  videoId: string;
  imageId: string;
  videoUrl: string;
  imageUrl: string;
}

/** One kind of post that can be made. */
export interface Example {
  /** The body of the request, without the account. */
  body: Record<string, unknown>;
  /** `published` without it. */
  ends?: 'delivered';
  /** How many posts are live by it; one without it. */
  live?: number;
  /** The most events that it may leave in Temporal, where that is not what a post of one file may. */
  events?: number;
}

export interface Way {
  /** What its cases are called by. */
  label: string;
  /** What people read. */
  title: string;
  /** As the API names it; null: the usual one. */
  method: string | null;
  /** Settings of the sandbox without which the cases would take days. */
  prepare?: (sandbox: Sandbox) => Promise<unknown>;
  /** What a consent may leave out, so that the account is of no use. */
  incomplete: { scopes: string[]; missing: string[] };
  /** Every kind of post, by what it is. */
  examples: (files: Files, sandbox: Sandbox) => Promise<Record<string, Example>>;
  /**
   * Endpoints (sandbox/README.md): of all writes, with how many the examples make there; of what is sent and asked
   * afterwards, and those of it that tell the details of what is live; of refreshing a token, and of giving it back.
   */
  endpoints: {
    writes: Record<string, number>;
    others: string[];
    details?: string;
    refresh: string;
    revoke: string | null;
  };
  /** The endpoint that makes a carousel out of what lasts for a day; absent: there is none such. */
  carousel?: string;
  /** Makes the next posts more than the platform allows, or allows them again. */
  allow: (sandbox: Sandbox, person: Person, posts: 'one' | 'many') => Promise<unknown>;
  /** How a call with a bad token is answered. */
  tokenRefusal: { http: number; code: string };
  /** Has the account's token refused. */
  spoilToken: (sandbox: Sandbox, person: Person) => Promise<unknown>;
  /** A token that is refused can still be exchanged for a good one. */
  revives: boolean;
  /** The platform tells of a write that may be live that it did not happen; else only what is live is found. */
  tellsOfNothing: boolean;
  /** What an account is when the answer of a refresh is lost: has the platform ended the old token? */
  lostRefresh: 'active' | 'reauth_required';
}
