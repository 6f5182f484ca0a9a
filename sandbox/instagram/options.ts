import { Type, type Static } from 'typebox';
import { patch } from '../core/json.ts';
import { choice, count, flag } from '../core/options.ts';

/** An error as `code` or `code/subcode`. */
const errorCode = (value: string) => Type.String({ pattern: String.raw`^-?\d+(/\d+)?$`, default: value });

/** Tests can choose where instagram-facts.md says UNCONFIRMED; the default is the stricter or the newer reading. */
export const Options = Type.Object(
  {
    // Consent and tokens (instagram-facts 2 and 3)
    autoApprove: flag(false),
    /** Facebook Login for Business: all requested scopes are granted, or none (instagram-facts 2.1). */
    allOrNone: flag(false),
    /** The scopes of `config_id`. */
    configScopes: Type.Array(Type.String(), { default: [] }),
    codeSeconds: count(3_600),
    /** An extra `error_subcode` for a refused code: 36007 to 36009 were never seen (instagram-facts 2.3). */
    codeErrorSubcode: Type.Union([Type.Integer(), Type.Null()], { default: null }),
    shortTokenSeconds: count(3_600),
    longTokenSeconds: count(5_183_944),
    omitExpiresIn: flag(false),
    /**
     * Exchanging a long token again: the new one ends when the old one does, or after 60 more days
     * (instagram-facts 2.3).
     */
    reexchange: choice('same-end', 'extends'),
    dataAccessSeconds: count(90 * 86_400),
    deauthorizeOnApiRevoke: flag(true),
    /**
     * Where pages of a portfolio are listed: with the user's own pages, or only with the portfolio
     * (instagram-facts 2.5).
     */
    portfolioPages: choice('accounts', 'businesses'),
    requireAppSecretProof: flag(false),
    /** Instagram Login: the shape of the code exchange's answer, and of its `user_id` (instagram-facts 3.3). */
    loginTokenShape: choice('flat', 'wrapped'),
    loginUserId: choice('scoped', 'professional'),
    loginUserIdType: choice('number', 'string'),
    loginMeShape: choice('flat', 'wrapped'),
    refreshAfterSeconds: count(86_400),
    /** Whether the old value of a refreshed token stays valid. */
    refreshKeepsOld: flag(false),
    // Containers (instagram-facts 4)
    /** How long a container is IN_PROGRESS. */
    processingMs: count(500),
    containerSeconds: count(86_400),
    containersPerDay: count(400),
    quotaTotal: count(50),
    /** HTTP status of throttles and of a used-up quota (instagram-facts 5.1). */
    throttleStatus: Type.Enum([400, 403], { default: 400 }),
    /** Whether POST /media refuses a picture that can not be used, or the container fails. */
    imageErrors: choice('create', 'status'),
    /** A carousel with children that are not FINISHED: refused, or created and waiting for them. */
    unfinishedChildren: choice('refuse', 'wait'),
    /** The answer to publishing a container twice (instagram-facts 4.4). There is never a second post. */
    republishError: errorCode('24/2207006'),
    statusCodeOnError: choice('ERROR', 'empty'),
    /** Whether a broken upload can continue where it broke, or only from its start (instagram-facts 4.2). */
    uploadResume: choice('offset', 'restart'),
    refuseEditLists: flag(false),
    /** Off: any bytes are accepted. */
    checkMedia: flag(true),
    pullTimeoutSeconds: count(600),
    /** How long after the publish the permalink can not be read (instagram-facts 4.4). */
    permalinkMs: count(0),
    // Reading (instagram-facts 6 and 7)
    commentCursors: flag(true),
    mediaPageLimit: count(100),
    /** A longer page is refused: "Please reduce the amount of data you're asking for" (instagram-facts 12). 0: never. */
    reduceDataAbove: count(0),
    /** Whether the last page of a list has cursors; `before`: only that one (instagram-facts 7.1). */
    lastPageCursors: choice('both', 'before', 'none'),
    /** How late /media shows a new media; a read by its id is never late. */
    mediaListLagMs: count(0),
    /** How many replies an expansion has (instagram-facts 12: UNCONFIRMED). */
    repliesExpanded: count(25),
    /** A withheld comment, read by its id: not there, or there (instagram-facts 12: UNCONFIRMED). */
    withheldById: choice('gone', 'there'),
    /** Whether the end of a story raises story_insights (instagram-facts 8.5). */
    storyInsightsEvents: flag(true),
    insightsDelayMs: count(0),
    callsPerDay: count(48_000),
    usageHeaders: choice('sometimes', 'always', 'never'),
    // Webhooks (instagram-facts 8)
    /** Whether events come only for subscribed pages (Facebook Login) or accounts (Instagram Login). */
    requireSubscription: flag(true),
    /** Whether a page may subscribe to Instagram's field names (instagram-facts 8.4). */
    instagramFieldsOnPages: flag(true),
    /** `fields`: Include Values is off (instagram-facts 8.5, point 7). */
    webhookShape: choice('changes', 'bare', 'array', 'fields'),
    commentIdName: choice('id', 'comment_id'),
    /** Which secret signs the callbacks and events of Instagram Login (instagram-facts 2.6 and 8.2). */
    loginSigner: choice('login', 'app'),
    webhookClock: choice('real', 'sandbox'),
  },
  { additionalProperties: false },
);
export type Options = Static<typeof Options>;

export function changeOptions(options: Options, changes: Record<string, unknown>): Options {
  return patch(Options, options, changes);
}
