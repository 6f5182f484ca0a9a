import type { ApiClient, Json } from '../client.ts';
import type { ChaosAccount, Creator } from '../creators.ts';
import type { FileName } from '../files.ts';
import type { Random } from '../random.ts';

/** What a post is made of: drawn from the seed. */
export interface Content {
  /** In the provider's words. */
  kind: string;
  files: readonly PlannedFile[];
  ends: 'published' | 'delivered';
  /** How many posts answer it, each the one before. */
  replies: number;
}

/** A file of a post; what is pulled comes from a URL that names the post, so that posts can be told apart by it. */
export type PlannedFile =
  | { from: 'upload'; name: FileName }
  /** `missing`: the URL answers 404, so the post has to fail. */
  | { from: 'url'; what: 'video' | 'image'; missing?: true };

/** Where a file is to be taken from, in the order of `Content.files`. */
export type Taken = { mediaId: string } | { url: string; what: 'video' | 'image' };

/** A publish at the sandbox. */
export interface Made {
  id: string;
  /** What the posts that came of it are called, where that is told. */
  postIds: readonly string[];
  openId: string;
  /** The title, caption or text. */
  text: string;
  /** What it was to be pulled from. */
  urls: readonly string[];
  /** Visible to somebody: a post that is out, or a draft that has reached the inbox. */
  live: boolean;
  /** The provider has refused it. */
  refused: boolean;
  status: string;
  /** Of what has arrived, in order. */
  sha256s: readonly (string | null)[];
}

/** Something that was told in an event. */
export interface Told {
  openId: string;
  /** What is told stands in the event, and in no other. */
  mark: string;
}

/** What chaos has to know of a provider; all else is the same for every provider. */
export interface ChaosProvider {
  publishPath: string;
  /** The ways to connect an account, as the API names them; null: the usual one. */
  methods: readonly (string | null)[];
  /** Endpoints of the sandbox (sandbox/README.md), with how often a fault is drawn for them. */
  endpoints: readonly (readonly [string, number])[];
  /** Answers that mean something at an endpoint: come later, the place to send to is gone. */
  answers: (endpoint: string) => readonly { http: number; code?: string }[];
  /** The endpoint that takes bytes. */
  upload: string;
  /** Whether it can be asked what became of a write whose answer was lost. */
  tells: boolean;
  /** Adds somebody whose account can be connected. */
  addCreator: (api: ApiClient, creator: Creator) => Promise<unknown>;
  /** What a consent names besides the person. */
  consent: (creator: Creator) => Readonly<Record<string, string>>;
  draw: (random: Random) => Content;
  /** The request, without account and schedule. @param text is in the post, where such a post has any */
  body: (content: Content, text: string, files: readonly Taken[]) => object;
  /** Everything that it has. */
  made: (api: ApiClient) => Promise<Made[]>;
  /** The tokens of an account end before their time. */
  expire: (api: ApiClient, account: ChaosAccount) => Promise<unknown>;
  /** The creator removes the app. */
  remove: (api: ApiClient, account: ChaosAccount) => Promise<unknown>;
  /** Refuses the next posts after all their bytes have come; 0: none. */
  refuse: (api: ApiClient, times: number) => Promise<unknown>;
  /** Has it send an event that changes nothing; absent: it tells enough by itself. */
  tell?: (api: ApiClient, account: ChaosAccount, mark: string) => Promise<unknown>;
  /** What the body of a webhook, or a stored payload, tells. */
  toldBy: (text: string) => Told[];
}

/** The text of a part of a chain; 0 is the post that the others answer. */
export const partText = (title: string, part: number): string =>
  part === 0 ? title : `${title} reply ${part}`;

/** What the sandbox has of a provider. */
export const listOf = (api: ApiClient, path: string): Promise<Json[]> => api.control('GET', path);
