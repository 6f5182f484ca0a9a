import type { Random } from '../../chaos/random.ts';
import type { Creator, Person, Sandbox, Told } from './sandbox.ts';

/* What the chaos runner draws for a platform. */

/** The files of posts; `chunks` is sent in several (tiktok-facts 4.6). */
export type VideoName = 'tiny' | 'small' | 'medium' | 'chunks';
export type FileName = VideoName | 'image';

/** The content of a post, drawn from the seed. */
export interface Content {
  /** In the platform's words. */
  kind: string;
  files: readonly PlannedFile[];
  ends: 'published' | 'delivered';
  /** The number of replies, each to the previous post. */
  replies: number;
}

/** A file of a post. A URL names the post, which identifies it. */
export type PlannedFile =
  | { from: 'upload'; name: FileName }
  /** `missing`: the URL answers 404, so the post has to fail. */
  | { from: 'url'; what: 'video' | 'image'; missing?: true };

/** Where the platform gets a file from, in the order of `Content.files`. */
export type Taken = { mediaId: string } | { url: string; what: 'video' | 'image' };

export interface Chaos {
  /** Endpoints of the sandbox (sandbox/README.md), with the number of draws for a fault there. */
  endpoints: readonly (readonly [string, number])[];
  /** Meaningful answers of an endpoint: try later, or the upload URL is gone. */
  answers: (endpoint: string) => readonly { http: number; code?: string }[];
  /** The endpoints that copying reads. */
  reads: readonly string[];
  /** The endpoint that writes a reply to a comment; null: apps write none. */
  reply: string | null;
  /** The endpoint that accepts bytes. */
  upload: string;
  /** Whether the platform can be asked about a write whose answer was lost. */
  tells: boolean;
  /** The runner sends additional events; absent: the platform sends enough by itself. */
  moreEvents?: true;
  /** The consent's fields besides the person. */
  consent: (creator: Creator) => Readonly<Record<string, string>>;
  draw: (random: Random) => Content;
  /** The request, without account and schedule. @param text the post's text, if its kind has one */
  body: (content: Content, text: string, files: readonly Taken[]) => object;
  /** Expires the tokens of an account early. */
  expire: (sandbox: Sandbox, person: Person) => Promise<unknown>;
  /** Refuses the next posts after all their bytes have arrived; 0: none. */
  refuse: (sandbox: Sandbox, times: number) => Promise<unknown>;
  /** The events in a webhook's body or a stored payload. */
  toldBy: (text: string) => Told[];
}

/** The text of a chain's part; part 0 is the root. */
export const partText = (title: string, part: number): string =>
  part === 0 ? title : `${title} reply ${part}`;
