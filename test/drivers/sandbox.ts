/* Types that drivers and their users share about a sandbox. */

// The drivers read what their sandbox answers; what uses them compares it.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

/** The control API of a sandbox (sandbox/README.md). */
export interface Sandbox {
  control: (method: string, path: string, body?: unknown) => Promise<Json>;
}

/** A creator whose account can be connected. */
export interface Creator {
  username: string;
  /** How the account is connected, as the API names it; null: the default. */
  method: string | null;
}

/** A creator who has connected an account. */
export interface Person extends Creator {
  /** The account's id at Everpost. */
  id: string;
  /** The account's id at the platform. */
  openId: string;
}

/** An app, as its owner registers it in the platform's developer portal. */
export interface App {
  clientKey: string;
  clientSecret: string;
  redirectUri: string;
  webhookUrl: string;
  /** For platforms that verify the webhook URL. */
  verifyToken: string;
}

/** A publish in the sandbox. */
export interface Made {
  id: string;
  /** The ids of its posts, if the sandbox gives them. */
  postIds: readonly string[];
  openId: string;
  /** The title, caption or text. */
  text: string;
  /** The URLs of files that the platform fetches. */
  urls: readonly string[];
  /** Visible to somebody: a live post, or a draft in the inbox. */
  live: boolean;
  /** The platform has refused it. */
  refused: boolean;
  status: string;
  /** Of the received files, in order. */
  sha256s: readonly (string | null)[];
  /** The number of chunks, if the platform uses chunks. */
  chunks?: number;
}

/** A change that the platform reports in an event. */
export interface Told {
  /** A text that is in this event and in no other. */
  mark: string;
  /** The account of the event. */
  openId: string;
  /** Signs the event instead of the app's secret. */
  secret?: string;
}

/** A list from the sandbox. */
export const listOf = (sandbox: Sandbox, path: string): Promise<Json[]> => sandbox.control('GET', path);
