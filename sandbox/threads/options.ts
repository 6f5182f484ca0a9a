import { Type, type Static } from 'typebox';
import { patch } from '../core/json.ts';
import { choice, count, flag } from '../core/options.ts';

/** An error as `code` or `code/subcode`. */
const errorCode = (value: string) => Type.String({ pattern: String.raw`^-?\d+(/\d+)?$`, default: value });
const strings = () => Type.Array(Type.String(), { default: [] });

/** Tests can choose where threads-facts.md says UNCONFIRMED; the default is the stricter or the newer reading. */
export const Options = Type.Object(
  {
    // OAuth (threads-facts 2)
    autoApprove: flag(false),
    codeSeconds: count(3_600),
    /** Whether GET with a query exchanges codes too: one client does so (threads-facts 2.4). */
    codeByGet: flag(false),
    userIdType: choice('number', 'string'),
    shortTokenSeconds: count(3_600),
    longTokenSeconds: count(5_183_944),
    refreshAfterSeconds: count(86_400),
    earlyRefreshError: errorCode('100'),
    refreshKeepsOld: flag(false),
    grantSeconds: count(90 * 86_400),
    /**
     * Whether a refresh extends the grant of a private profile. The documentation contradicts itself
     * (threads-facts 2.6).
     */
    privateGrantExtends: flag(false),
    // Publishing (threads-facts 4)
    processingMs: count(500),
    /** How long a finished container can not be published yet (24/4279009, threads-facts 11.2). */
    propagationMs: count(0),
    containerSeconds: count(86_400),
    imageErrors: choice('create', 'status'),
    /** A carousel with children that are not FINISHED: refused, or created and then failed. */
    unfinishedChildren: choice('refuse', 'fail'),
    /** Optional parameters on the wrong kind of post: silently ignored, or refused (threads-facts 4.1). */
    misplaced: choice('ignore', 'refuse'),
    /** The answer to publishing a container twice (threads-facts 15). There is never a second post. */
    republishError: errorCode('24/4279009'),
    /** The answer of threads_publish to an expired token (threads-facts 11.3). */
    expiredOnPublish: choice('190', '24'),
    quotaError: errorCode('9/2207042'),
    /** HTTP status of `Tried accessing nonexisting field` (threads-facts 4.4). */
    wrongFieldStatus: Type.Enum([500, 400], { default: 500 }),
    /** Where the words `THREADS_API__...` are (threads-facts 5). */
    apiErrorIn: choice('message', 'title'),
    postsPerDay: count(250),
    repliesPerDay: count(1_000),
    deletesPerDay: count(100),
    locationSearchesPerDay: count(500),
    checkMedia: flag(true),
    refuseEditLists: flag(false),
    pullTimeoutSeconds: count(600),
    permalinkMs: count(0),
    permalinkHost: choice('www.threads.com', 'www.threads.net'),
    // Reading (threads-facts 6, 8 and 9)
    pagingLinks: flag(false),
    /**
     * How a list ends: the last page has a cursor and an empty page follows it; or the last page has no `after`; or the
     * empty page repeats the `after` that was sent (threads-facts 6.1).
     */
    listEnd: choice('empty-page', 'no-after', 'same-after'),
    /** How late lists show what is new or deleted; reads by id are never late. */
    listLagMs: count(0),
    /** Whether replies to a deleted post are still in its thread (threads-facts 14). */
    orphans: choice('stay', 'go'),
    /** Whether /threads shows ghost posts until they end. */
    ghostsInThreads: flag(true),
    /** What becomes of a ghost post that has ended: /ghost_posts lists it as ARCHIVED, or nothing leads to it. */
    archivedGhosts: choice('listed', 'gone'),
    /** The hide_status of a reply that is no longer hidden. */
    unhidden: choice('UNHUSHED', 'NOT_HUSHED'),
    /**
     * How the length of a text is counted: threads-facts 4.1 counts emoji in UTF-8 bytes, one report counts everything
     * so.
     */
    textCounts: choice('emoji-bytes', 'bytes'),
    /** Whether white space at both ends of a text is removed. */
    trimText: flag(false),
    requirePeriod: flag(true),
    /** Metrics that fail their call. */
    refusedPostMetrics: strings(),
    refusedUserMetrics: strings(),
    /** The answer to `clicks` when there were none: `[]`, or nothing (threads-facts 8.2). */
    noClicks: choice('empty', 'absent'),
    callsPerDay: count(48_000),
    throttleError: errorCode('4'),
    /** UNCONFIRMED for Threads (threads-facts 1.3). */
    usageHeaders: choice('never', 'sometimes', 'always'),
    /** The percent that the headers say; null: the counted calls of `callsPerDay`. */
    usagePercent: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { default: null }),
    // Webhooks and callbacks (threads-facts 2.8 and 10)
    webhookValues: choice('object', 'array'),
    publishTarget: choice('media', 'owner'),
    publishEvents: flag(true),
    /** Whether a reply that waits for approval raises an event. */
    pendingEvents: flag(true),
    signer: choice('threads', 'meta'),
    webhookClock: choice('real', 'sandbox'),
  },
  { additionalProperties: false },
);
export type Options = Static<typeof Options>;

export function changeOptions(options: Options, changes: Record<string, unknown>): Options {
  return patch(Options, options, changes);
}
