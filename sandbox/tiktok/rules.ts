import { isLoopback } from '../core/redirects.ts';
import type { FileSource } from './bodies.ts';
import { creatorOf, type TikTok } from './context.ts';
import { privacyLevels } from './creator-info.ts';
import { refuse } from './envelope.ts';

const MIN_CHUNK_BYTES = 5_000_000;
const MAX_FILE_BYTES = 4 * 1024 ** 3;
const MAX_CHUNKS = 1_000;

type PostInfo = Record<string, unknown>;

/** tiktok-facts 4.6, with the observed messages. */
export function checkChunks(tiktok: TikTok, { video_size, chunk_size, total_chunk_count }: FileSource): void {
  const invalid = (what: string) => refuse(tiktok, 400, 'invalid_params', `The ${what} is invalid`);
  if (video_size > MAX_FILE_BYTES) invalid('video size');
  if (total_chunk_count > MAX_CHUNKS) invalid('total chunk count');
  if (chunk_size > video_size || chunk_size > tiktok.options.maxChunkBytes) invalid('chunk size');
  if (total_chunk_count === 1 && chunk_size !== video_size) invalid('chunk size');
  if (total_chunk_count > 1 && chunk_size < MIN_CHUNK_BYTES) invalid('chunk size');
  if (total_chunk_count !== Math.floor(video_size / chunk_size)) invalid('total chunk count');
}

/** Lengths count UTF-16 code units, as JavaScript does (tiktok-facts 4.3). */
export function checkLength(tiktok: TikTok, info: PostInfo, field: string, max: number): void {
  const text = info[field];
  if (typeof text === 'string' && text.length > max) {
    refuse(tiktok, 400, 'invalid_params', `The ${field} is longer than ${max} characters`);
  }
}

/** tiktok-facts 4.2, 4.3 and 4.13: who may see a direct post. */
export function checkPrivacy(tiktok: TikTok, openId: string, info: PostInfo): void {
  const creator = creatorOf(tiktok, openId);
  const level = info['privacy_level'];
  if (!tiktok.options.audited && (!creator.private || level !== 'SELF_ONLY')) {
    const text =
      'Please review our integration guidelines at https://developers.tiktok.com/doc/content-sharing-guidelines/';
    refuse(tiktok, 403, 'unaudited_client_can_only_post_to_private_accounts', text);
  }
  if (!privacyLevels(creator).some((option) => option === level)) {
    refuse(
      tiktok,
      403,
      'privacy_level_option_mismatch',
      'The privacy level is not one of the creator options',
    );
  }
  if (
    level === 'SELF_ONLY' &&
    info['brand_content_toggle'] === true &&
    tiktok.options.refuseBrandedSelfOnly
  ) {
    refuse(tiktok, 400, 'invalid_params', 'Branded content can not be private');
  }
}

/** tiktok-facts 4.3: an interaction that the account forbids is off, whatever the client sent. */
export function forcedByAccount(tiktok: TikTok, openId: string, info: PostInfo): PostInfo {
  const { commentDisabled, duetDisabled, stitchDisabled, private: isPrivate } = creatorOf(tiktok, openId);
  return {
    ...info,
    ...(commentDisabled ? { disable_comment: true } : {}),
    ...(duetDisabled || isPrivate ? { disable_duet: true } : {}),
    ...(stitchDisabled || isPrivate ? { disable_stitch: true } : {}),
  };
}

/** tiktok-facts 4.8. */
export function checkPullUrl(tiktok: TikTok, text: string): void {
  const { pullHttpLoopback, verifiedLoopback, verifiedPrefixes } = tiktok.options;
  const invalid = (what: string) => refuse(tiktok, 400, 'invalid_params', `The URL ${what}`);
  if (!URL.canParse(text)) invalid('is malformed');
  const url = new URL(text);
  const loopback = isLoopback(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback && pullHttpLoopback))
    invalid('is not https');
  if (url.username !== '' || url.password !== '') invalid('has credentials');
  if (!loopback && /^\[|^\d+(\.\d+){3}$/.test(url.hostname)) invalid('has no domain name');
  if (loopback && verifiedLoopback) return;
  const bare = url.origin + url.pathname;
  if (verifiedPrefixes.some((property) => isWithin(property, url.hostname, bare))) return;
  const rules = 'https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide/#pull_from_url';
  refuse(
    tiktok,
    403,
    'url_ownership_unverified',
    `Please review our URL ownership verification rules at ${rules}`,
  );
}

/** A property is a domain (with its subdomains) or a URL prefix. */
function isWithin(property: string, host: string, url: string): boolean {
  if (property.includes('://')) return url.startsWith(property);
  return host === property || host.endsWith(`.${property}`);
}
