/*
 * The words that reading has in all rooms: streams, and what they tell. It is data; how a provider is read is in
 * providers/reading.ts, and how it is stored in db/sync/.
 */

/** All streams, in the order in which the API lists them. */
export const STREAM_NAMES = [
  'profile',
  'media',
  'stories',
  'comments',
  'replies',
  'media_insights',
  'account_insights',
] as const;
export type StreamName = (typeof STREAM_NAMES)[number];

/** A quota of reads. */
export interface ReadBucket {
  readonly name: string;
  /** The window of its limit, in milliseconds. */
  readonly window: number;
  /** The calls of a window that sync may use; null: the platform names no number, only its headers do. */
  readonly most: number | null;
}

/** The media that a stream is read for. */
export interface Subject {
  readonly id: string;
  readonly at: Date | null;
  /** Its stored copy, by the names of the columns' properties. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The request of the post that published it, as its provider has stored it; null: another app made it. */
  readonly request: unknown;
  /** Some comments below it are known to have waited for the owner's approval. */
  readonly approves: boolean;
}

/** A value of a column; a time is a Date. */
export type Value = string | number | boolean | Date | null | readonly unknown[];

/** One thing that a provider told. */
export interface Item {
  /** The provider's id. */
  readonly id: string;
  /** Comments: the id of the media; children of an album: the id of the album. Otherwise absent. */
  readonly parent?: string;
  /** Its own time. */
  readonly at: Date | null;
  /**
   * The columns of its copy, by the names of their properties (db/schema/<name>.ts). A column that is absent here stays
   * as it is; null: the platform tells nothing.
   */
  readonly values: Readonly<Record<string, Value>>;
  /** A media's counts by the names of `media_insights`; a count that the platform does not tell is absent. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** A media: nothing is below it, as its list says. */
  readonly quiet?: boolean;
  /** A comment of the account's own: the columns of its copy if it turns out to be a part of a post of ours. */
  readonly part?: Readonly<Record<string, Value>>;
  /** What the platform sent; without tokens, and without URLs that hold one. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** One number of a media or of an account. */
export interface Insight {
  readonly metric: string;
  /** As in `action_type=CALL`, several joined by `,`; empty: none. */
  readonly breakdown: string;
  readonly value: number;
  /** Account insights only. */
  readonly period?: 'day' | 'lifetime';
  /** Account insights of a day: when it ended. */
  readonly endTime?: Date;
  /** Account insights of a day: the day in California, YYYY-MM-DD. */
  readonly day?: string;
}

/** The names of metrics that count what is below a media. */
export const COMMENT_COUNTS: readonly string[] = ['comments', 'replies'];

export type MetricsState =
  'ok' | 'empty' | 'too_few_viewers' | 'before_conversion' | 'not_supported' | 'expired';

/** What the headers of answers told about the use of the platform's limits. */
export interface Usage {
  /** Of the limit; null: they told nothing. */
  readonly percent: number | null;
  /** When the platform accepts calls again, in milliseconds. */
  readonly regainMs?: number;
}

/** Something has changed at the provider, as an event says: a stream should read it. */
export interface Hint {
  readonly stream: StreamName;
  /** The media that it is about, by the provider's id; null: the stream's list. */
  readonly subject: string | null;
  /** The thing itself, as far as the event tells it: stored only if there is no copy. */
  readonly item?: Item;
  /** The provider's id of what was deleted. */
  readonly gone?: string;
  /** Comments: the name of the author, by which an own comment is known. */
  readonly by?: string | null;
  /** The subject may be somebody else's media: without a copy of it there is nothing to read. */
  readonly onlyKnown?: true;
  /** The last numbers of the subject, which the platform tells once: nothing is left to read. */
  readonly last?: { readonly insights: readonly Insight[]; readonly state: MetricsState };
}

export type ActionKind = 'reply' | 'hide' | 'unhide' | 'delete' | 'like' | 'unlike' | 'approve' | 'ignore';

const PAIRS: readonly (readonly ActionKind[])[] = [
  ['hide', 'unhide'],
  ['like', 'unlike'],
  ['approve', 'ignore'],
];

/** An action, and the one that undoes it: of these the last one counts. */
export const pairOf = (kind: ActionKind): readonly ActionKind[] =>
  PAIRS.find((kinds) => kinds.includes(kind)) ?? [kind];
