import type { Random } from '../../chaos/random.ts';
import type { Creator, Person, Sandbox, Told } from './sandbox.ts';

/* What the chaos runner draws for a platform. */

/** The files that posts are made of; `chunks` goes in several (tiktok-facts 4.6). */
export type VideoName = 'tiny' | 'small' | 'medium' | 'chunks';
export type FileName = VideoName | 'image';

/** What a post is made of: drawn from the seed. */
export interface Content {
  /** In the platform's words. */
  kind: string;
  files: readonly PlannedFile[];
  ends: 'published' | 'delivered';
  /** How many posts answer it, each the one before. */
  replies: number;
}

/** A file of a post. A URL names the post, so that posts can be told apart by it. */
export type PlannedFile =
  | { from: 'upload'; name: FileName }
  /** `missing`: the URL answers 404, so the post has to fail. */
  | { from: 'url'; what: 'video' | 'image'; missing?: true };

/** Where the platform gets a file from, in the order of `Content.files`. */
export type Taken = { mediaId: string } | { url: string; what: 'video' | 'image' };

export interface Chaos {
  /** Endpoints of the sandbox (sandbox/README.md), with how often a fault is drawn for them. */
  endpoints: readonly (readonly [string, number])[];
  /** Answers that mean something at an endpoint: come later, the place to send to is gone. */
  answers: (endpoint: string) => readonly { http: number; code?: string }[];
  /** The endpoint that takes bytes. */
  upload: string;
  /** The platform can be asked what became of a write whose answer was lost. */
  tells: boolean;
  /** The runner has it send further events; absent: it sends enough by itself. */
  moreEvents?: true;
  /** What a consent names besides the person. */
  consent: (creator: Creator) => Readonly<Record<string, string>>;
  draw: (random: Random) => Content;
  /** The request, without account and schedule. @param text is in the post, where such a post has any */
  body: (content: Content, text: string, files: readonly Taken[]) => object;
  /** The tokens of an account end before their time. */
  expire: (sandbox: Sandbox, person: Person) => Promise<unknown>;
  /** Refuses the next posts after all their bytes have come; 0: none. */
  refuse: (sandbox: Sandbox, times: number) => Promise<unknown>;
  /** What the body of a webhook, or a stored payload, tells. */
  toldBy: (text: string) => Told[];
}

/** The text of a part of a chain; 0 is the post that the others answer. */
export const partText = (title: string, part: number): string =>
  part === 0 ? title : `${title} reply ${part}`;
