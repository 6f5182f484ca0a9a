import type { Threads } from './context.ts';
import { badParam } from './problems.ts';
import type { Container } from './state.ts';

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

/** The parameters of POST /{threads-user-id}/threads (threads-facts 4.1). Misplaced ones are silently ignored. */
export function containerInput(threads: Threads, all: URLSearchParams): ContainerInput {
  const sent = [...all].filter(([name]) => !NOT_ABOUT_POSTS.has(name));
  const kind = kindOf(all.get('media_type'));
  const ignored = sent.map(([name]) => name).filter((name) => !KNOWN[kind].includes(name));
  if (ignored.length > 0 && threads.options.misplaced === 'refuse')
    badParam(`Param ${ignored[0]} is not allowed`);
  const params = Object.fromEntries(sent.filter(([name]) => !ignored.includes(name)));
  return {
    kind,
    isItem: params['is_carousel_item'] === 'true',
    url: params['image_url'] ?? params['video_url'] ?? null,
    children: (params['children'] ?? '').split(',').filter((id) => id !== ''),
    params,
    ignored,
  };
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
