import { type CatalogueRow, rowNamed } from '../errors.ts';
import { HOUR, SECOND } from '../../durations.ts';

/*
 * What the error codes of Meta's Graph APIs mean for a post (instagram-facts 5, threads-facts 5). Rows are
 * found by `code/error_subcode`, then by `*` with the subcode, then by `code`: the words are localized, the codes are not.
 */

export interface MetaRow extends CatalogueRow {
  /** Ours: stable, documented. */
  code: string;
  /** After as many tries it is given up, or made anew what it is about; without it, it is tried until the post's deadline. */
  tries?: number;
}

export const PUBLISH_BUCKET = 'publish';

export const NOTHING = 'Nothing was published.';

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
export const RATE: MetaRow = {
  kind: 'quota',
  code: 'rate_limited',
  retryAfterMs: HOUR,
  everyCall: true,
  userMessage:
    'The platform accepts no more calls for this account at the moment. The post goes out by itself later.',
};
const LIMIT_REACHED: MetaRow = {
  kind: 'quota',
  code: 'publish_limit_reached',
  retryAfterMs: HOUR,
  quota: PUBLISH_BUCKET,
  userMessage:
    'The account has reached its number of posts for a day. The post goes out when the platform accepts posts again.',
};
const FETCH: MetaRow = {
  kind: 'rejected',
  code: 'media_not_fetched',
  userMessage: `The platform could not fetch the media from its URL. ${NOTHING} The URL must answer over https, without a redirect and without a login, with the file itself.`,
};
export const AGAIN: MetaRow = {
  kind: 'unavailable',
  code: 'media_not_processed',
  retryAfterMs: 30 * SECOND,
  tries: 5,
  userMessage: `The platform could not process the media. ${NOTHING} Try again.`,
};
export const BLOCKED: MetaRow = {
  kind: 'rejected',
  code: 'action_blocked',
  userMessage: `The platform has blocked this as suspicious activity. ${NOTHING} Look into the app, wait, and post by hand before you try again.`,
};
const INVALID: MetaRow = {
  kind: 'rejected',
  code: 'invalid_request',
  userMessage: `The platform does not accept the post as it stands. ${NOTHING} Check its text and settings and try again.`,
};
const NOT_READY: MetaRow = {
  kind: 'unavailable',
  code: 'container_not_ready',
  userMessage: 'The platform is not ready to publish the post yet. It is tried again.',
};
const NOT_VISIBLE: MetaRow = { ...NOT_READY, retryAfterMs: 5 * SECOND, tries: 6 };
/** What the platform could not fetch was ours: neither the person nor their file is to blame. */
export const OWN_FILE_NOT_FETCHED = `The platform could not fetch the file from this installation. ${NOTHING} The file is fine: the operator has to make EVERPOST_PUBLIC_URL reachable from the internet over https. Try again then.`;
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
  // Or the container is gone, when a fresh token does not help.
  '24/2207006': { ...RECONNECT, tries: 1 },
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
  // Threads' own is not known, but expected to be like Instagram's 9/2207042 (threads-facts 4.7).
  '9': LIMIT_REACHED,
  '*/2207042': LIMIT_REACHED,
  // Of a category map of others; the code that it comes with is not known (threads-facts 5).
  '*/2207069': LIMIT_REACHED,
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
  '24/2207008': NOT_VISIBLE,
  '24/4279009': NOT_VISIBLE,
  '100/33': {
    ...NOT_VISIBLE,
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
  // The code that these come with is not known (instagram-facts 5.2).
  '*/2207077': FETCH,
  '*/2207081': rejected(
    'trial_reels_not_available',
    'The account may not publish trial reels.',
    'Publish it as an ordinary reel.',
  ),
  '*/2207082': AGAIN,
  '100': INVALID,
  '803': rejected(
    'unknown_id',
    'The platform knows nothing of an id or a name that the post refers to.',
    'Check the ids in its settings and post again.',
  ),
  '2500': rejected(
    'unknown_path',
    'The platform does not know the address that Everpost has called.',
    'The operator has to check its version and the URLs in its settings.',
  ),
  '1609005': rejected(
    'link_not_read',
    'The platform could not read the page behind the link.',
    'Look whether it opens for everybody, or leave the link out.',
  ),
};

/**
 * What stands somewhere in the body and says more than the code (threads-facts 5, instagram-facts 5.2): names of
 * errors, and the developers' message of a code that means anything; the first one counts.
 */
export const META_NAMES: Readonly<Record<string, MetaRow>> = {
  // Code 100. How Threads counts is not certain: emoji by their bytes (threads-facts 4.1), or every character by its bytes.
  'Param text must be at most': rejected(
    'text_too_long',
    'The platform finds the text longer than it allows (500 characters on Threads). It may count letters with accents, other scripts and emoji as several each.',
    'Shorten the text and post again.',
  ),
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

/** What a code means, as it is noted: `code/error_subcode`, or `code`. */
export function rowOfCode(name: string): MetaRow | null {
  const [code = '', subcode] = name.split('/');
  const number = Number(code);
  const permission = number >= 200 && number <= 299 ? PERMISSION : null;
  const [row] = [name, `*/${subcode}`, code].flatMap((key) => rowNamed(META_CODES, key) ?? []);
  return row ?? permission;
}

/** What a subcode means that stands in a text, without its code. */
export function rowOfSubcode(subcode: string): MetaRow | null {
  const [, row] = Object.entries(META_CODES).find(([name]) => name.endsWith(`/${subcode}`)) ?? [];
  return row ?? null;
}
