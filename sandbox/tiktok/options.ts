import { Type, type Static } from 'typebox';
import { patch } from '../core/json.ts';
import { choice, count, flag } from '../core/options.ts';

/** Calls in a sliding minute for each access token (tiktok-facts 3.5 and 4.1). */
const Limits = Type.Object(
  {
    'user.info': count(600),
    'video.list': count(600),
    'video.query': count(600),
    creator_info: count(20),
    'video.init': count(6),
    'inbox.init': count(6),
    'content.init': count(6),
    status: count(30),
  },
  { additionalProperties: false },
);

/** Tests can choose where tiktok-facts.md says UNCONFIRMED; the default is the stricter or the newer reading. */
export const Options = Type.Object(
  {
    // OAuth (tiktok-facts 2)
    autoApprove: flag(false),
    silentReauth: flag(false),
    codeSeconds: count(600),
    accessTokenSeconds: count(7_200),
    refreshTokenSeconds: count(15_552_000),
    refreshRenewsLifetime: flag(true),
    rotateRefreshToken: flag(true),
    refreshGraceSeconds: count(0),
    refreshKillsAccessToken: flag(false),
    omitRefreshToken: flag(false),
    oauthErrorStatus: Type.Union([Type.Literal(400), Type.Literal(200)], { default: 400 }),
    // Envelopes and Display (tiktok-facts 1 and 3)
    errorData: choice('empty', 'absent'),
    outOfScopeFields: choice('refuse', 'missed', 'omit', 'empty', 'zero'),
    listPhotos: flag(true),
    listLagMs: count(0),
    /** Whether the list compares a cursor with the time of a video in milliseconds, or in whole seconds. */
    listTimes: choice('ms', 'seconds'),
    /** Whether a minute's calls of the Display API are counted for each access token, or for the app. */
    readLimitPer: choice('token', 'app'),
    coverSeconds: count(21_600),
    avatarSeconds: count(7_200),
    limits: Type.Object(Limits.properties, { additionalProperties: false, default: {} }),
    // Content posting (tiktok-facts 4)
    audited: flag(true),
    activeUserCap: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { default: null }),
    dailyPostCap: count(15),
    pendingShareCap: count(5),
    failedDraftsCount: flag(true),
    ignoreUnknownFields: flag(false),
    refuseBrandedSelfOnly: flag(true),
    minPhotos: count(1),
    maxChunkBytes: count(67_108_864),
    uploadUrlSeconds: count(3_600),
    uploadRangeMeans: choice('last', 'count'),
    reputAccepted: Type.Union([Type.Literal(416), Type.Literal(206)], { default: 416 }),
    pullHttpLoopback: flag(true),
    verifiedLoopback: flag(true),
    verifiedPrefixes: Type.Array(Type.String(), { default: [] }),
    pullTimeoutSeconds: count(3_600),
    processingMs: count(500),
    moderationMs: count(500),
    postIdInStatus: flag(true),
    postIdShape: choice('array', 'scalar'),
    // Webhooks (tiktok-facts 6)
    completeEventForDirect: flag(true),
    webhookResign: flag(true),
    webhookClock: choice('real', 'sandbox'),
  },
  { additionalProperties: false },
);
export type Options = Static<typeof Options>;

/** Changes some of the options or limits; the others stay. */
export function changeOptions(options: Options, { limits, ...changes }: Record<string, unknown>): Options {
  const merged = { ...options.limits, ...(typeof limits === 'object' ? limits : {}) };
  return patch(Options, options, { ...changes, limits: merged });
}
