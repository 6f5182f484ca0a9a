import { isMediaUrl } from '../meta/pull.ts';
import { badParam, refuseFor } from './problems.ts';
import type { Container } from './state.ts';
import { listOf } from './values.ts';

export interface ContainerInput {
  kind: Container['kind'];
  isItem: boolean;
  imageUrl: string | null;
  videoUrl: string | null;
  resumable: boolean;
  coverUrl: string | null;
  children: string[];
  params: Record<string, string>;
  ignored: string[];
}

const KNOWN = new Set(
  `media_type image_url video_url upload_type is_carousel_item children caption alt_text location_id user_tags
  collaborators product_tags cover_url thumb_offset share_to_feed audio_name audio_configuration trial_params
  is_ai_generated branded_content_sponsor_ids is_paid_partnership poll_attachment is_poll_duration_extended
  is_comment_prompt_used`.split(/\s+/),
);
const NOT_ABOUT_MEDIA = new Set(['access_token', 'appsecret_proof', 'appsecret_time', 'fields', 'locale']);

/** The parameters of POST /{ig-user-id}/media (instagram-facts 4.1). */
export function containerInput(all: URLSearchParams): ContainerInput {
  const params = Object.fromEntries([...all].filter(([name]) => !NOT_ABOUT_MEDIA.has(name)));
  const isItem = flag(params, 'is_carousel_item');
  const input: ContainerInput = {
    kind: kindOf(params, isItem),
    isItem,
    imageUrl: urlOf(params, 'image_url'),
    videoUrl: urlOf(params, 'video_url'),
    resumable: params['upload_type'] === 'resumable',
    coverUrl: urlOf(params, 'cover_url'),
    children: listOf(params['children'] ?? ''),
    params,
    ignored: Object.keys(params).filter((name) => !KNOWN.has(name)),
  };
  for (const name of ['share_to_feed', 'is_ai_generated', 'is_paid_partnership']) flag(params, name);
  return input;
}

function kindOf({ media_type, image_url }: Record<string, string>, isItem: boolean): Container['kind'] {
  switch (media_type) {
    case undefined:
      if (image_url !== undefined) return 'IMAGE';
      return isItem ? 'VIDEO' : badParam('The parameter image_url is required');
    case 'REELS':
    case 'STORIES':
    case 'CAROUSEL':
    case 'VIDEO':
      return media_type;
    default:
      // IMAGE is not a valid value: a single image has no media_type (instagram-facts 4.1).
      return refuseFor('mediaType');
  }
}

function urlOf(params: Record<string, string>, name: string): string | null {
  const url = params[name];
  if (url === undefined) return null;
  return isMediaUrl(url) ? url : badParam(`Param ${name} is not a valid URI`);
}

/** Booleans are the words `true` and `false`. */
function flag(params: Record<string, string>, name: string): boolean {
  const value = params[name] ?? 'false';
  if (!['true', 'false'].includes(value)) badParam(`Param ${name} must be a boolean`);
  return value === 'true';
}
