import { type CatalogueRow, rowNamed } from '../errors.ts';
import { HOUR, SECOND } from '../../durations.ts';

/*
 * What the error codes of Meta's Graph APIs mean for a post (instagram-facts 5, threads-facts 5). Rows are looked up by
 * `code/error_subcode`, then by `*` with the subcode, then by `code`. Meta localizes its messages but not its codes.
 */

export interface MetaRow extends CatalogueRow {
  /** Our own code: stable and documented. */
  code: string;
  /**
   * Attempts before Everpost gives up, or creates the object again. Without it, Everpost retries until the post's
   * deadline.
   */
  tries?: number;
}

export const PUBLISH_BUCKET = 'publish';

export const NOTHING = 'Nothing was published.';

const RECONNECT: MetaRow = {
  kind: 'token',
  code: 'access_token_invalid',
  userMessage:
    'The connection to this account has ended. Reconnect the account and the post will be published.',
};
const PERMISSION: MetaRow = {
  kind: 'account',
  code: 'permission_missing',
  userMessage:
    'The account has not granted the permission for this. Reconnect it and allow every permission, and the post will be published.',
};
export const RATE: MetaRow = {
  kind: 'quota',
  code: 'rate_limited',
  retryAfterMs: HOUR,
  everyCall: true,
  userMessage:
    'The platform accepts no more calls for this account at the moment. The post will be published automatically later.',
};
const LIMIT_REACHED: MetaRow = {
  kind: 'quota',
  code: 'publish_limit_reached',
  retryAfterMs: HOUR,
  quota: PUBLISH_BUCKET,
  userMessage:
    'The account has reached its daily post limit. The post will be published when the platform accepts posts again.',
};
const FETCH: MetaRow = {
  kind: 'rejected',
  code: 'media_not_fetched',
  userMessage: `The platform could not fetch the media from its URL. ${NOTHING} The URL must serve the file itself over https, without a redirect or a login.`,
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
  userMessage: `The platform has blocked this as suspicious activity. ${NOTHING} Check the app, wait, and post once by hand before you try again.`,
};
const INVALID: MetaRow = {
  kind: 'rejected',
  code: 'invalid_request',
  userMessage: `The platform rejected the post. ${NOTHING} Check its text and settings and try again.`,
};
const NOT_READY: MetaRow = {
  kind: 'unavailable',
  code: 'container_not_ready',
  userMessage: 'The platform is not ready to publish the post yet. Everpost will try again.',
};
const NOT_VISIBLE: MetaRow = { ...NOT_READY, retryAfterMs: 5 * SECOND, tries: 6 };
/** The platform failed to fetch a file from our server: neither the user nor the file is at fault. */
export const OWN_FILE_NOT_FETCHED = `The platform could not fetch the file from this installation. ${NOTHING} The file is fine: the operator must make EVERPOST_PUBLIC_URL reachable from the internet over https. Then try again.`;
/**
 * @param why what happened
 * @param todo what the user can do about it
 */
const rejected = (code: string, why: string, todo: string): MetaRow => ({
  kind: 'rejected',
  code,
  userMessage: `${why} ${NOTHING} ${todo}`,
});

/** Keys: `code/subcode`, `*` + `/subcode` or `code`. */
export const META_CODES: Readonly<Record<string, MetaRow>> = {
  '190': RECONNECT,
  '102': RECONNECT,
  // If a fresh token does not help, the container is gone.
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
  // Threads' own code is not known; we expect one like Instagram's 9/2207042 (threads-facts 4.7).
  '9': LIMIT_REACHED,
  '*/2207042': LIMIT_REACHED,
  // From another project's category map; the code beside it is not known (threads-facts 5).
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
    'The account is restricted or must be verified.',
    'Open the app, follow its instructions, and post again.',
  ),
  '506': rejected(
    'duplicate_refused',
    'The platform reports that the same post was published a moment ago.',
    'Check the account, and change the post before you send it again.',
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
      'The platform cannot find the parts of the post. Everpost will try again. If this keeps happening, check in the app that you still have access to the account.',
  },
  '1/2207057': rejected(
    'thumb_offset_out_of_range',
    'thumb_offset is past the end of the video.',
    'Choose a moment before the end, in milliseconds.',
  ),
  '100/2207023': rejected(
    'unknown_media_type',
    'The platform does not know this media type.',
    'Choose another type and post again.',
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
    'The platform does not accept this video format.',
    'Use MP4 or MOV with H.264 and AAC.',
  ),
  '36000/2207004': rejected(
    'image_too_large',
    'The image is larger than 8 MB.',
    'Make it smaller and post again.',
  ),
  '36001/2207005': rejected('image_format', 'The platform does not accept this image format.', 'Use JPEG.'),
  '36003/2207009': rejected(
    'aspect_ratio',
    'The image is too narrow or too wide.',
    'Use an aspect ratio between 4:5 and 1.91:1.',
  ),
  '36004/2207010': rejected(
    'caption_too_long',
    'The caption is longer than the platform allows.',
    'Shorten it and post again.',
  ),
  // The codes beside these subcodes are not known (instagram-facts 5.2).
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
    'The platform does not know an id or a name that the post refers to.',
    'Check the ids in its settings and post again.',
  ),
  '2500': rejected(
    'unknown_path',
    'The platform does not know the address that Everpost called.',
    'The operator must check the version of Everpost and the URLs in its settings.',
  ),
  '1609005': rejected(
    'link_not_read',
    'The platform could not read the page behind the link.',
    'Check that anyone can open it, or leave the link out.',
  ),
};

/**
 * Text anywhere in the body that is more precise than the code (threads-facts 5, instagram-facts 5.2): error names, and
 * the developer message of a code with several meanings. The first match wins.
 */
export const META_NAMES: Readonly<Record<string, MetaRow>> = {
  // Code 100. Threads' way of counting is not certain: emoji by their bytes (threads-facts 4.1), or every character by
  // its bytes.
  'Param text must be at most': rejected(
    'text_too_long',
    'The text is longer than the platform allows (500 characters on Threads). The platform may count an accented letter, a non-Latin character or an emoji as several characters.',
    'Shorten the text and post again.',
  ),
  THREADS_API__LINK_LIMIT_EXCEEDED: rejected(
    'too_many_links',
    'The text has more than five links.',
    'Remove some and post again.',
  ),
  THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES: rejected(
    'country_codes',
    'allowlisted_country_codes has codes that the platform does not accept.',
    'Use two-letter ISO 3166 codes.',
  ),
  THREADS_API__FEATURE_NOT_AVAILABLE: rejected(
    'feature_not_available',
    'The platform does not offer this feature to the account.',
    'Leave it out and post again.',
  ),
  INSTAGRAM_PLATFORM_API__INVALID_LOCATION_ID: rejected(
    'invalid_location',
    'location_id has no location on the map.',
    'Choose a Page with an address, or leave it out.',
  ),
  INSTAGRAM_PLATFORM_API__PERMISSION: PERMISSION,
  INSTAGRAM_PLATFORM_API__INVALID_PARAM: INVALID,
};

/** The row of a code as we record it: `code/error_subcode`, or `code`. */
export function rowOfCode(name: string): MetaRow | null {
  const [code = '', subcode] = name.split('/');
  const number = Number(code);
  const permission = number >= 200 && number <= 299 ? PERMISSION : null;
  const [row] = [name, `*/${subcode}`, code].flatMap((key) => rowNamed(META_CODES, key) ?? []);
  return row ?? permission;
}

/** The row of a subcode found in a text without its code. */
export function rowOfSubcode(subcode: string): MetaRow | null {
  const [, row] = Object.entries(META_CODES).find(([name]) => name.endsWith(`/${subcode}`)) ?? [];
  return row ?? null;
}
