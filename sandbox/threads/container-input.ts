import { isMediaUrl } from '../meta/pull.ts';
import { countText, uniqueLinks } from './text.ts';
import type { Threads } from './context.ts';
import { checkAttachments } from './attachments.ts';
import { apiError, badParam } from './problems.ts';
import type { Container, Profile } from './state.ts';

export interface ContainerInput {
  kind: Container['kind'];
  isItem: boolean;
  url: string | null;
  children: string[];
  params: Record<string, string>;
  ignored: string[];
}

const ANY =
  `media_type text reply_to_id reply_control allowlisted_country_codes quote_post_id topic_tag location_id
  text_entities crossreshare_to_ig crossreshare_to_ig_dark_mode enable_reply_approvals`.split(/\s+/);
const TEXT = [
  'link_attachment',
  'poll_attachment',
  'auto_publish_text',
  'text_attachment',
  'gif_attachment',
  'is_ghost_post',
];
const KNOWN: Record<Container['kind'], string[]> = {
  TEXT: [...ANY, ...TEXT],
  IMAGE: [...ANY, 'image_url', 'is_carousel_item', 'alt_text', 'is_spoiler_media'],
  VIDEO: [...ANY, 'video_url', 'is_carousel_item', 'alt_text', 'is_spoiler_media'],
  CAROUSEL: [...ANY, 'children', 'is_spoiler_media'],
};
const NOT_ABOUT_POSTS = new Set(['access_token', 'fields', 'locale', 'appsecret_proof']);
export const REPLY_CONTROLS = [
  'everyone',
  'accounts_you_follow',
  'mentioned_only',
  'parent_post_author_only',
  'followers_only',
];
const LONGEST_TEXT = 500;
const MOST_LINKS = 5;

/** The parameters of POST /{threads-user-id}/threads (threads-facts 4.1). What is misplaced is ignored without a word. */
export function containerInput(threads: Threads, all: URLSearchParams, profile: Profile): ContainerInput {
  const sent = [...all].filter(([name]) => !NOT_ABOUT_POSTS.has(name));
  const kind = kindOf(all.get('media_type'));
  const ignored = sent.map(([name]) => name).filter((name) => !KNOWN[kind].includes(name));
  if (ignored.length > 0 && threads.options.misplaced === 'refuse')
    badParam(`Param ${ignored[0]} is not allowed`);
  const params = Object.fromEntries(sent.filter(([name]) => !ignored.includes(name)));
  const input: ContainerInput = {
    kind,
    isItem: params['is_carousel_item'] === 'true',
    url: params['image_url'] ?? params['video_url'] ?? null,
    children: (params['children'] ?? '').split(',').filter((id) => id !== ''),
    params,
    ignored,
  };
  checkSource(input);
  checkText(threads, params, kind);
  checkReply(params);
  checkAttachments(input);
  if (params['allowlisted_country_codes'] !== undefined) checkCountries(threads, params, profile);
  return input;
}

function kindOf(mediaType: string | null): Container['kind'] {
  switch (mediaType) {
    case 'TEXT':
    case 'IMAGE':
    case 'VIDEO':
    case 'CAROUSEL':
      return mediaType;
    default:
      return badParam('Param media_type must be one of {TEXT, IMAGE, VIDEO, CAROUSEL}');
  }
}

function checkSource({ kind, url, children }: ContainerInput): void {
  if ((kind === 'IMAGE' || kind === 'VIDEO') && url === null) {
    badParam(`The parameter ${kind.toLowerCase()}_url is required`);
  }
  if (url !== null && !isMediaUrl(url)) badParam('The media URL is not a valid URI');
  if (kind !== 'CAROUSEL') return;
  if (children.length < 2 || children.length > 20) badParam('A carousel has 2 to 20 children');
  if (new Set(children).size < children.length) badParam('Param children names one twice');
}

function checkText(
  threads: Threads,
  { text, link_attachment }: Record<string, string>,
  kind: Container['kind'],
): void {
  if (kind === 'TEXT' && (text ?? '') === '') badParam('The parameter text is required');
  const length =
    threads.options.textCounts === 'bytes' ? Buffer.byteLength(text ?? '') : countText(text ?? '');
  if (length > LONGEST_TEXT) badParam('Param text must be at most 500 characters long.');
  if (uniqueLinks(text ?? '', link_attachment) > MOST_LINKS) apiError(threads, 'LINK_LIMIT_EXCEEDED');
}

function checkReply(params: Record<string, string>): void {
  const { reply_control, reply_to_id, topic_tag, alt_text } = params;
  if (reply_control !== undefined && !REPLY_CONTROLS.includes(reply_control)) {
    badParam(`Param reply_control must be one of {${REPLY_CONTROLS.join(', ')}}`);
  }
  if (params['is_ghost_post'] === 'true' && reply_to_id !== undefined)
    badParam('A ghost post can not be a reply');
  if (topic_tag !== undefined && !/^[^.&]{1,50}$/u.test(topic_tag)) badParam('Param topic_tag is invalid');
  if (alt_text !== undefined && alt_text.length > 1_000) {
    badParam('Param alt_text must be at most 1000 characters long.');
  }
}

function checkCountries(threads: Threads, params: Record<string, string>, profile: Profile): void {
  const codes = params['allowlisted_country_codes']?.split(',') ?? [];
  const valid = codes.every((code) => /^[A-Z]{2}$/.test(code));
  if (!profile.geoGating || !valid) apiError(threads, 'GEO_GATING_INVALID_COUNTRY_CODES');
}
