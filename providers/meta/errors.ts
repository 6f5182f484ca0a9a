import { type CatalogueRow, ProviderError } from '../errors.ts';
import { HttpFailure, type HttpAnswer } from '../http.ts';
import { amount, id, record, text, tryParse } from '../json.ts';

/*
 * What the error codes of Meta's Graph APIs mean for a post (sheets instagram section 5, threads section 5). Rows are
 * found by `code/error_subcode`, then by `*` with the subcode, then by `code`: the words are localized, the codes are not.
 */

/** Who answers; the same codes, other names. */
export interface Platform {
  provider: 'instagram' | 'threads';
  title: string;
}

export interface MetaRow extends CatalogueRow {
  /** Ours: stable, documented. */
  code: string;
  /** Given up after as many tries of a step; without it, it is tried until the post's deadline. */
  tries?: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const PUBLISH_BUCKET = 'publish';

const NOTHING = 'Nothing was published.';

const RECONNECT: MetaRow = {
  kind: 'token',
  code: 'access_token_invalid',
  userMessage: 'The connection to this account has ended. Reconnect the account; the post goes out then.',
};
const PERMISSION: MetaRow = {
  kind: 'account',
  code: 'permission_missing',
  userMessage:
    'The account has not granted the permission for this. Reconnect it and allow every permission; the post goes out then.',
};
const RATE: MetaRow = {
  kind: 'quota',
  code: 'rate_limited',
  retryAfterMs: HOUR,
  userMessage:
    'The platform accepts no more calls for this account at the moment. The post goes out by itself later.',
};
const FETCH: MetaRow = {
  kind: 'rejected',
  code: 'media_not_fetched',
  userMessage: `The platform could not fetch the media from its URL. ${NOTHING} The URL must answer over https, without a redirect and without a login, with the file itself.`,
};
const AGAIN: MetaRow = {
  kind: 'unavailable',
  code: 'media_not_processed',
  retryAfterMs: 30 * SECOND,
  tries: 5,
  userMessage: `The platform could not process the media. ${NOTHING} Try again.`,
};
const BLOCKED: MetaRow = {
  kind: 'rejected',
  code: 'action_blocked',
  userMessage: `The platform has blocked this as suspicious activity. ${NOTHING} Look into the app, wait, and post by hand before you try again.`,
};
const INVALID: MetaRow = {
  kind: 'rejected',
  code: 'invalid_request',
  userMessage: `The platform refused the post as malformed. ${NOTHING} Check its settings and try again.`,
};
const NOT_READY: MetaRow = {
  kind: 'unavailable',
  code: 'container_not_ready',
  retryAfterMs: 5 * SECOND,
  userMessage: 'The platform is not ready to publish the post yet. It is tried again.',
};
/** @param why what happened; @param todo what the person can do about it */
const rejected = (code: string, why: string, todo: string): MetaRow => ({
  kind: 'rejected',
  code,
  userMessage: `${why} ${NOTHING} ${todo}`,
});

/** By `code/subcode`, `*` + `/subcode` or `code`. */
export const META_CODES: Readonly<Record<string, MetaRow>> = {
  '190': RECONNECT,
  '102': RECONNECT,
  '24/2207006': RECONNECT,
  '3': PERMISSION,
  '10': PERMISSION,
  '200': PERMISSION,
  '4': RATE,
  '17': RATE,
  '32': RATE,
  '341': RATE,
  '613': RATE,
  '80001': RATE,
  '80002': RATE,
  '9/2207042': {
    kind: 'quota',
    code: 'publish_limit_reached',
    retryAfterMs: HOUR,
    quota: PUBLISH_BUCKET,
    userMessage:
      'The account has reached its number of posts for a day. The post goes out when the platform accepts posts again.',
  },
  '-2/2207003': AGAIN,
  '-2/2207020': AGAIN,
  '-1/2207001': AGAIN,
  '-1/2207032': AGAIN,
  '-1/2207053': AGAIN,
  '*/2207051': BLOCKED,
  '*/4279013': BLOCKED,
  '368': BLOCKED,
  '25/2207050': rejected(
    'account_restricted',
    'The account is restricted or has to be confirmed.',
    'Open the app, follow what it asks for, and post again.',
  ),
  '506': rejected(
    'duplicate_refused',
    'The platform says that the same was posted just before.',
    'Look at the account, and change the post before you send it again.',
  ),
  '9004/2207052': FETCH,
  '1/2207052': FETCH,
  '9007/2207027': NOT_READY,
  '24/2207008': NOT_READY,
  '24/4279009': NOT_READY,
  '100/33': {
    ...NOT_READY,
    code: 'object_not_found',
    userMessage:
      'The platform does not find what the post is made of. It is tried again. If that goes on, look whether the account still belongs to you in the app.',
  },
  '1/2207057': rejected(
    'thumb_offset_out_of_range',
    'thumb_offset lies outside the video.',
    'Choose a moment before its end, in milliseconds.',
  ),
  '100/2207023': rejected(
    'unknown_media_type',
    'The platform does not know this media type.',
    'Choose another one and post again.',
  ),
  '100/2207028': rejected(
    'carousel_size',
    'The carousel has too few or too many items.',
    'Use 2 to 10 on Instagram, 2 to 20 on Threads.',
  ),
  '100/2207089': rejected(
    'video_not_allowed',
    'A single video can only be published as a reel.',
    'Post it again as REELS.',
  ),
  '352/2207026': rejected(
    'video_format',
    'The format of the video is not accepted.',
    'Use MP4 or MOV with H.264 and AAC.',
  ),
  '36000/2207004': rejected(
    'image_too_large',
    'The image is larger than 8 MB.',
    'Save it smaller and post again.',
  ),
  '36001/2207005': rejected('image_format', 'The format of the image is not accepted.', 'Use JPEG.'),
  '36003/2207009': rejected(
    'aspect_ratio',
    'The image is too narrow or too wide.',
    'Use a ratio between 4:5 and 1.91:1.',
  ),
  '36004/2207010': rejected(
    'caption_too_long',
    'The caption is longer than the platform allows.',
    'Shorten it and post again.',
  ),
  // The code that these come with is not known (sheet instagram section 5.2).
  '*/2207077': FETCH,
  '*/2207081': rejected(
    'trial_reels_not_available',
    'The account may not publish trial reels.',
    'Publish it as an ordinary reel.',
  ),
  '*/2207082': AGAIN,
  '100': INVALID,
};

/** Names of errors that stand somewhere in the body (sheets threads section 5, instagram section 5.2); the first one counts. */
export const META_NAMES: Readonly<Record<string, MetaRow>> = {
  THREADS_API__LINK_LIMIT_EXCEEDED: rejected(
    'too_many_links',
    'The text has more than five links.',
    'Take some away and post again.',
  ),
  THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES: rejected(
    'country_codes',
    'allowlisted_country_codes has codes that are not accepted.',
    'Use two letters each, as ISO 3166 has them.',
  ),
  THREADS_API__FEATURE_NOT_AVAILABLE: rejected(
    'feature_not_available',
    'The platform does not offer this to the account.',
    'Leave it out and post again.',
  ),
  INSTAGRAM_PLATFORM_API__INVALID_LOCATION_ID: rejected(
    'invalid_location',
    'location_id has no place on the map.',
    'Choose a Page with an address, or leave it out.',
  ),
  INSTAGRAM_PLATFORM_API__PERMISSION: PERMISSION,
  INSTAGRAM_PLATFORM_API__INVALID_PARAM: INVALID,
};

/** Answers with which posts were seen live all the same (sheet instagram section 9, 4). */
const DOUBTFUL = new Set(['4/2207051']);

/** What an answer says went wrong. */
export interface MetaFailure {
  code: string | null;
  subcode: string | null;
  message: string | null;
  transient: boolean;
  traceId: string | null;
}

/** Both envelopes: `error{}`, and the flat one of the code exchanges. @returns null where it is no error */
function failureOf(body: Readonly<Record<string, unknown>> | null): MetaFailure | null {
  const error = record(body?.['error']);
  if (error !== null)
    return {
      code: id(error['code']),
      subcode: id(error['error_subcode']),
      message: text(error['message']),
      transient: error['is_transient'] === true,
      traceId: text(error['fbtrace_id']),
    };
  if (body === null || text(body['error_type']) === null) return null;
  const message = text(body['error_message']);
  return { code: id(body['code']), subcode: null, message, transient: false, traceId: null };
}

function rowOf({ code, subcode }: MetaFailure, whole: string): MetaRow | null {
  const named = Object.entries(META_NAMES).find(([name]) => whole.includes(name));
  if (named !== undefined) return named[1];
  const number = Number(code);
  const permission = code !== null && number >= 200 && number <= 299 ? PERMISSION : undefined;
  return (
    META_CODES[`${code}/${subcode}`] ??
    META_CODES[`*/${subcode}`] ??
    META_CODES[String(code)] ??
    permission ??
    null
  );
}

/**
 * Reads an answer of a Graph API.
 * @param effect `publish` where the call makes something visible: then an answer that does not say what happened, and
 *   those with which posts were seen live, are `unknown`
 * @throws ProviderError for everything but a success
 */
export function readAnswer(
  platform: Platform,
  answer: HttpAnswer,
  effect: 'read' | 'write' | 'publish',
): Readonly<Record<string, unknown>> {
  const body = record(tryParse(answer.text));
  const failure = failureOf(body);
  if (failure === null && body !== null && answer.status < 300) return body;
  throw metaError(platform, answer, failure, effect);
}

function metaError(
  { provider, title }: Platform,
  answer: HttpAnswer,
  failure: MetaFailure | null,
  effect: 'read' | 'write' | 'publish',
): ProviderError {
  const name =
    failure === null ? null : [failure.code, failure.subcode].filter((part) => part !== null).join('/');
  const said = {
    provider,
    providerCode: name,
    providerMessage: failure?.message ?? null,
    logId: failure?.traceId ?? header(answer, 'x-fb-trace-id'),
    message: `${title} answered ${answer.status} ${name ?? 'without a readable body'}`,
  };
  const row = failure === null ? null : rowOf(failure, answer.text);
  const doubtful = effect === 'publish' && name !== null && DOUBTFUL.has(name);
  // "Server error" says nothing about what the server had done before.
  const broke = effect === 'publish' && row === AGAIN;
  // The code comes before the status: a wrong kind of id is answered with 500 (sheet threads section 4.4).
  if (row !== null && !doubtful && !broke)
    return new ProviderError({
      ...said,
      kind: row.kind,
      code: row.code,
      userMessage: row.userMessage,
      ...waitOf(answer, row),
      ...(row.quota === undefined ? {} : { quota: row.quota }),
      ...(row.tries === undefined ? {} : { tries: row.tries }),
    });
  const busy =
    broke || failure?.transient === true || ['1', '2'].includes(failure?.code ?? '') || answer.status >= 500;
  if (failure !== null && failure.code !== null && !busy && !doubtful && answer.status !== 429)
    return new ProviderError({
      ...said,
      kind: 'rejected',
      code: 'provider_refused',
      userMessage: `${title} refused with "${name}". ${NOTHING}`,
    });
  if (answer.status === 429) return new ProviderError({ ...said, ...RATE, ...waitOf(answer, RATE) });
  return effect === 'read'
    ? new ProviderError({
        ...said,
        kind: 'unavailable',
        code: 'provider_unavailable',
        userMessage: `${title} does not answer properly at the moment. It is tried again.`,
      })
    : new ProviderError({
        ...said,
        kind: 'unknown',
        code: doubtful ? BLOCKED.code : 'outcome_unknown',
        userMessage: doubtful ? BLOCKED.userMessage : unknownOutcome(title),
      });
}

/** The refusal that a doubtful answer was after all, once it is known that nothing happened. */
export function blockedError({ provider, title }: Platform): ProviderError {
  return new ProviderError({
    provider,
    ...BLOCKED,
    message: `${title} blocked the post and did not publish it`,
  });
}

/** Turns a request that got no answer into what the caller should do next. */
export function lostAnswer(
  { provider, title }: Platform,
  error: unknown,
  effect: 'read' | 'write' | 'publish',
): unknown {
  if (!(error instanceof HttpFailure)) return error;
  const unknown = effect !== 'read' && error.sent;
  return new ProviderError({
    provider,
    kind: unknown ? 'unknown' : 'unavailable',
    code: unknown ? 'outcome_unknown' : 'provider_unavailable',
    message: `${title}: ${error.message}`,
    userMessage: unknown
      ? unknownOutcome(title)
      : `${title} cannot be reached at the moment. It is tried again.`,
  });
}

function unknownOutcome(title: string): string {
  return `${title}’s answer was lost. Look at the account before you post again.`;
}

/** Minutes until calls are accepted again, where Meta tells them (sheet instagram section 6). */
function waitOf(answer: HttpAnswer, row: MetaRow): { retryAfterMs?: number } {
  const usage = record(tryParse(header(answer, 'x-business-use-case-usage') ?? ''));
  const minutes = Object.values(usage ?? {})
    .flatMap((rows) => (Array.isArray(rows) ? rows : []))
    .map((one) => amount(record(one)?.['estimated_time_to_regain_access']) ?? 0);
  const longest = Math.max(0, ...minutes);
  if (row.kind === 'quota' && longest > 0) return { retryAfterMs: longest * MINUTE };
  const seconds = amount(header(answer, 'retry-after'));
  if (seconds !== null) return { retryAfterMs: seconds * SECOND };
  return row.retryAfterMs === undefined ? {} : { retryAfterMs: row.retryAfterMs };
}

function header(answer: HttpAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}
