import { Type, type Static } from 'typebox';
import { patch } from '../core/json.ts';
import { choice, count, flag } from '../core/options.ts';

/** An error as `code` or `code/subcode`. */
const errorCode = (value: string) => Type.String({ pattern: String.raw`^-?\d+(/\d+)?$`, default: value });

/** Where instagram-facts.md says UNCONFIRMED, a test can choose; the default is the stricter or the newer reading. */
export const Options = Type.Object(
  {
    // Consent and tokens (instagram-facts 2 and 3)
    autoApprove: flag(false),
    /** Facebook Login for Business: all that was asked for is granted, or nothing (instagram-facts 2.1). */
    allOrNone: flag(false),
    /** What `config_id` stands for. */
    configScopes: Type.Array(Type.String(), { default: [] }),
    codeSeconds: count(3_600),
    /** An extra `error_subcode` of a code that is not accepted: 36007 to 36009 were never seen (instagram-facts 2.3). */
    codeErrorSubcode: Type.Union([Type.Integer(), Type.Null()], { default: null }),
    shortTokenSeconds: count(3_600),
    longTokenSeconds: count(5_183_944),
    omitExpiresIn: flag(false),
    /** What exchanging a long token again gives: one that ends when the old one does, or 60 new days (instagram-facts 2.3). */
    reexchange: choice('same-end', 'extends'),
    dataAccessSeconds: count(90 * 86_400),
    deauthorizeOnApiRevoke: flag(true),
    /** Where pages of a portfolio are listed: among the user's own too, or only as the portfolio's (instagram-facts 2.5). */
    portfolioPages: choice('accounts', 'businesses'),
    requireAppSecretProof: flag(false),
    /** Instagram Login: the code exchange's body, and what its `user_id` is (instagram-facts 3.3). */
    loginTokenShape: choice('flat', 'wrapped'),
    loginUserId: choice('scoped', 'professional'),
    loginUserIdType: choice('number', 'string'),
    loginMeShape: choice('flat', 'wrapped'),
    refreshAfterSeconds: count(86_400),
    /** Whether the refreshed token's old value goes on working. */
    refreshKeepsOld: flag(false),
    // Containers (instagram-facts 4)
    /** How long a container is IN_PROGRESS. */
    processingMs: count(500),
    containerSeconds: count(86_400),
    containersPerDay: count(400),
    quotaTotal: count(50),
    /** HTTP status of throttles and of a used-up quota (instagram-facts 5.1). */
    throttleStatus: Type.Enum([400, 403], { default: 400 }),
    /** Whether a picture that can not be used is refused by POST /media, or fails its container. */
    imageErrors: choice('create', 'status'),
    /** A carousel over children that are not FINISHED: refused, or made and waiting for them. */
    unfinishedChildren: choice('refuse', 'wait'),
    /** What publishing a container twice answers (instagram-facts 4.4). There is never a second post. */
    republishError: errorCode('24/2207006'),
    statusCodeOnError: choice('ERROR', 'empty'),
    /** Whether a broken upload can go on where it broke, or only from its start (instagram-facts 4.2). */
    uploadResume: choice('offset', 'restart'),
    refuseEditLists: flag(false),
    /** Off: any bytes will do. */
    checkMedia: flag(true),
    pullTimeoutSeconds: count(600),
    /** How long after the publish the permalink can not be read (instagram-facts 4.4). */
    permalinkMs: count(0),
    // Reading (instagram-facts 6 and 7)
    commentCursors: flag(true),
    mediaPageLimit: count(100),
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
    /** Which secret signs what concerns Instagram Login (instagram-facts 2.6 and 8.2). */
    loginSigner: choice('login', 'app'),
    webhookClock: choice('real', 'sandbox'),
  },
  { additionalProperties: false },
);
export type Options = Static<typeof Options>;

export function changeOptions(options: Options, changes: Record<string, unknown>): Options {
  return patch(Options, options, changes);
}
