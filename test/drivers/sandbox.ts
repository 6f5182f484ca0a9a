/* What drivers and those who use them say about a sandbox. */

// The drivers read what their sandbox answers; what uses them compares it.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

/** The control API of a sandbox (sandbox/README.md). */
export interface Sandbox {
  control: (method: string, path: string, body?: unknown) => Promise<Json>;
}

/** Somebody whose account can be connected. */
export interface Creator {
  username: string;
  /** The way the account is connected, as the API names it; null: the usual one. */
  method: string | null;
}

/** Somebody who has connected their account. */
export interface Person extends Creator {
  /** The account, at Everpost. */
  id: string;
  /** The account, at the platform. */
  openId: string;
}

/** An app, as its owner registers it in the platform's developer portal. */
export interface App {
  clientKey: string;
  clientSecret: string;
  redirectUri: string;
  webhookUrl: string;
  /** A platform that verifies the webhook URL has to say this. */
  verifyToken: string;
}

/** A publish that the sandbox has. */
export interface Made {
  id: string;
  /** The ids of the posts that came of it, where the sandbox tells them. */
  postIds: readonly string[];
  openId: string;
  /** The title, caption or text. */
  text: string;
  /** The URLs of files that the platform fetches. */
  urls: readonly string[];
  /** Visible to somebody: a post that is out, or a draft in the inbox. */
  live: boolean;
  /** The platform has refused it. */
  refused: boolean;
  status: string;
  /** Of the files that have arrived, in order. */
  sha256s: readonly (string | null)[];
  /** How many pieces the file came in, where the platform takes pieces. */
  chunks?: number;
}

/** A change that the platform tells in an event. */
export interface Told {
  /** Stands in this event, and in no other. */
  mark: string;
  /** The account that it is about. */
  openId: string;
  /** Signs the event instead of the app's secret. */
  secret?: string;
}

/** What the sandbox has of a platform. */
export const listOf = (sandbox: Sandbox, path: string): Promise<Json[]> => sandbox.control('GET', path);
