import type {
  ActionKind,
  Insight,
  Item,
  MetricsState,
  ReadBucket,
  StreamName,
  Subject,
  Usage,
} from '../reading.ts';
import type { Needs } from './permissions.ts';

/*
 * How a provider's data is read and moderated: streams as data, and functions that speak HTTP. A provider knows neither
 * database nor workflow (provider.ts); the generic code decides what is read when, and stores it.
 */

/** How often something is read again; all times in milliseconds. */
export type Cadence =
  /** A list of the account: often while it has something younger than `young`, else doubling over quiet rounds. */
  | { kind: 'list'; young: number; often: number; rest: number; most: number }
  /** A media, by its age: the first row that is older than it; then `after`; null: only in full passes. */
  | { kind: 'age'; rows: readonly { under: number; every: number }[]; after: number | null; once?: number };

/** How long something lives, and when it is read for the last times: after its own time, in milliseconds. */
export interface Life {
  ends: number;
  readAt: readonly number[];
}

/** One kind of data that a provider tells. */
export interface Stream {
  readonly name: StreamName;
  /** Whether there is one list of the account, or one of each media. */
  readonly of: 'account' | 'media';
  /** What its items are. */
  readonly holds: 'profile' | 'media' | 'comments' | 'media_insights' | 'account_insights';
  /** Without all of these it cannot be read. */
  readonly scopes: readonly string[];
  /** Without these a part is missing, which the stream's reason names. */
  readonly partScopes?: readonly string[];
  /** The quota of the provider that its calls count against. */
  readonly bucket: ReadBucket;
  /** Items asked for in one call. */
  readonly pageSize: number;
  readonly order: 'newest_first' | 'oldest_first' | 'none';
  /** What proves that an item is gone; `full_pass` also asks by id (`confirm`). */
  readonly absence: 'full_pass' | 'by_id' | 'none';
  /** The reason of a removal that its absence proves. Default: `absent`. */
  readonly goneAs?: 'absent' | 'not_public';
  /** The platform lists no more items than this. */
  readonly cap?: number;
  readonly cadence: Cadence;
  /** The cadence while the platform sends the account's events. Default: the same. */
  readonly cadenceWithEvents?: Cadence;
  /** How often a pass over the whole list is due; null: only when asked for. */
  readonly fullEvery: number | null;
  /** Its items end by themselves, and are read once more before. */
  readonly life?: Life;
  /** The same of some subjects only: pure. */
  readonly lifeOf?: (subject: Pick<Subject, 'values'>) => Life | null;
  /** Subjects older than this are never asked for. */
  readonly oldest?: number;
  /** The kind of a subject: metrics are refused for all subjects of one kind. Default: all are of one. Pure. */
  readonly kindOf?: (subject: Subject) => string;
}

/** The account that a call reads. */
export interface ReadCall {
  readonly openId: string;
  readonly username: string | null;
  readonly scopes: readonly string[];
  readonly accessToken: string;
  readonly signal: AbortSignal;
}

/** A question for one page. */
export interface Question {
  /** Where the previous page ended; null: the first page. */
  readonly cursor: string | null;
  /** Only for streams of media. */
  readonly subject: Subject | null;
  readonly limit: number;
  /** Everything that the platform still tells; otherwise only what may have changed since the last round. */
  readonly full: boolean;
  /** The metrics that the platform refuses for subjects of this kind: not to be asked for. */
  readonly refused: readonly string[];
}

/** One page of a stream. */
export interface Page {
  readonly items: readonly Item[];
  /** Insights: the numbers of the subject, or of the account. */
  readonly insights?: readonly Insight[];
  /** Insights: what the platform said instead of numbers. */
  readonly metricsState?: MetricsState;
  /** The metrics that the platform has just refused for subjects of this kind. */
  readonly refused?: readonly string[];
  /** The next page; null: the platform's own sign that the list has ended. */
  readonly next: string | null;
  /** The list is known to leave things out: it proves no absence. */
  readonly lossy?: boolean;
  /** A scope of `partScopes` is missing, though it was granted. */
  readonly missing?: readonly string[];
  /** The calls that it took. */
  readonly calls: number;
  readonly usage: Usage | null;
}

/** Whether things are still there, each asked for by its id. */
export interface Confirmed {
  readonly answers: ReadonlyMap<string, 'here' | 'gone' | 'unsure'>;
  /** The things that are here, as they are now, if the answers hold them. */
  readonly items?: readonly Item[];
  readonly calls: number;
  readonly usage: Usage | null;
}

/** A comment that is moderated. */
export interface ActionSubject {
  /** The provider's ids. */
  readonly commentId: string;
  readonly mediaId: string;
  readonly parentId: string | null;
  readonly own: boolean;
  readonly hidden: boolean;
  readonly pending: boolean;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Why an action is not possible. */
export type Obstacle =
  | { code: 'not_supported'; reason: string; message: string; userMessage: string }
  | { code: 'permission_missing'; needs: Needs };

/** An action to perform. */
export interface Action {
  readonly kind: ActionKind;
  readonly subject: ActionSubject;
  /** Of a reply. */
  readonly text: string | null;
  /** When it was first sent; null: not yet. */
  readonly sentAt: Date | null;
  /** The provider's ids of replies that other actions have made: never the one that this action looks for. */
  readonly taken: readonly string[];
}

/** How comments are moderated. */
export interface Moderation {
  /** Why a creator with these scopes cannot do this; null: it is possible. Pure. */
  obstacle(kind: ActionKind, subject: ActionSubject, scopes: readonly string[]): Obstacle | null;
  /**
   * Performs an action once.
   * @returns the provider's id of a reply
   * @throws ProviderError; `unknown` if it may have been carried out
   */
  act(action: Action, call: ReadCall): Promise<{ providerRef: string | null }>;
  /** Looks for a reply whose answer was lost. @returns its id; null: it is not there (yet) @throws ProviderError */
  find?(action: Action, call: ReadCall): Promise<string | null>;
  /** Replies are ordinary posts: the body of the provider's publish route; absent: `act` sends them. Pure. */
  replyPost?(subject: ActionSubject, text: string): Readonly<Record<string, unknown>>;
}

/** What can be read from a provider, and moderated there. */
export interface Reading {
  readonly streams: readonly Stream[];
  /** Why there is no such stream, for each that is not in `streams`: a sentence for people. */
  readonly unsupported: Readonly<Partial<Record<StreamName, string>>>;
  /**
   * Reads one page.
   * @throws ProviderError; code `cursor_refused`: the cursor is of no use any more; `too_much_data`: a smaller page may
   *   succeed; kind `gone`: the subject is not there, which alone proves nothing
   */
  read(stream: StreamName, question: Question, call: ReadCall): Promise<Page>;
  /**
   * Asks for things by their ids, at most `confirmAtOnce`, and then for `control`, which the list has just shown: if
   * that fails too, every answer is `unsure`. Absent: nothing proves an absence.
   * @throws ProviderError
   */
  confirm?(stream: StreamName, ids: readonly string[], control: string, call: ReadCall): Promise<Confirmed>;
  readonly confirmAtOnce?: number;
  /**
   * Reads a comment below a media by its id, for a reply that names it.
   * @returns a page without items if it is below something else
   * @throws ProviderError
   */
  readComment?(id: string, subject: Subject, call: ReadCall): Promise<Page>;
  /** Absent: the platform has no comments, or lets no app moderate them. */
  readonly moderation?: Moderation;
}
