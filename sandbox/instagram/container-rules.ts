import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Stack } from './access.ts';
import type { ContainerInput } from './container-input.ts';
import { badParam, refuseFor } from './problems.ts';
import { jsonOf, listOf } from './values.ts';

const LONGEST_CAPTION = 2_200;
const LONGEST_ALT_TEXT = 1_000;

/** Refuses input that can not become a container, whatever its children and files are. */
export function checkInput(input: ContainerInput, stack: Stack): void {
  checkSource(input, stack);
  checkCaption(input);
  checkTags(input);
  checkExtras(input, stack);
}

/** Exactly one source, of the type that the kind needs. */
function checkSource(
  { kind, isItem, imageUrl, videoUrl, resumable, children, params }: ContainerInput,
  stack: Stack,
) {
  const upload = params['upload_type'];
  if (upload !== undefined && !resumable) badParam('Param upload_type must be one of {resumable}');
  // Only for apps with Facebook Login (instagram-facts 3.1).
  if (resumable && stack === 'login') badParam('Param upload_type is not allowed');
  const sources = [imageUrl, videoUrl, resumable ? 'upload' : null].filter((source) => source !== null);
  if (kind === 'CAROUSEL') {
    if (isItem || sources.length > 0) badParam('A carousel has no media of its own');
    if (new Set(children).size !== children.length) badParam('Param children names one twice');
    return;
  }
  if (children.length > 0) badParam('Param children is only for carousels');
  if (isItem && (kind === 'REELS' || kind === 'STORIES'))
    badParam('Reels and stories can not be in a carousel');
  if (sources.length !== 1) {
    badParam(
      kind === 'IMAGE' ? 'The parameter image_url is required' : 'The parameter video_url is required',
    );
  }
  if ((kind === 'REELS' || kind === 'VIDEO') && imageUrl !== null)
    badParam('The parameter video_url is required');
}

/** instagram-facts 4.1. How the length is counted is not documented: UTF-16 units are the strictest. */
function checkCaption({ isItem, kind, params }: ContainerInput): void {
  const { caption = '', alt_text } = params;
  if (isItem && caption !== '') badParam('param caption is not allowed');
  if (caption.length > LONGEST_CAPTION) refuseFor('caption');
  if ((caption.match(/#[\p{L}\p{N}_]+/gu) ?? []).length > 30) badParam('A caption has at most 30 hashtags');
  if ((caption.match(/@[\w.]+/g) ?? []).length > 20) badParam('A caption has at most 20 tags of people');
  if (alt_text === undefined) return;
  if (kind !== 'IMAGE') badParam('param alt_text is not allowed');
  if (alt_text.length > LONGEST_ALT_TEXT) badParam('Param alt_text must be at most 1000 characters long');
}

const share = Type.Number({ minimum: 0, maximum: 1 });
const username = Type.String({ minLength: 1 });
const PlacedTags = Type.Array(Type.Object({ username, x: share, y: share }));
const LooseTags = Type.Array(Type.Object({ username, x: Type.Optional(share), y: Type.Optional(share) }));
const BareTags = Type.Array(Type.Object({ username }, { additionalProperties: false }));

/** instagram-facts 4.1: places are needed on images, possible on stories and not allowed on reels. */
function checkTags({ isItem, kind, params }: ContainerInput): void {
  const { user_tags, collaborators, product_tags } = params;
  if (user_tags !== undefined) {
    if (isItem && kind === 'VIDEO') badParam('param user_tags is not allowed');
    const schema = {
      IMAGE: PlacedTags,
      STORIES: LooseTags,
      REELS: BareTags,
      VIDEO: BareTags,
      CAROUSEL: BareTags,
    };
    if (!Value.Check(schema[kind], jsonOf(user_tags))) badParam('Param user_tags is invalid');
  }
  if (collaborators !== undefined) {
    if (isItem || kind === 'STORIES') badParam('param collaborators is not allowed');
    if (listOf(collaborators).length > 3) badParam('Param collaborators has at most 3 usernames');
  }
  if (product_tags !== undefined) {
    const tags = jsonOf(product_tags);
    if (!Array.isArray(tags)) badParam('Param product_tags is invalid');
    else if (tags.length > 5) refuseFor('productTags');
  }
}

const REELS_ONLY = [
  'cover_url',
  'thumb_offset',
  'share_to_feed',
  'audio_name',
  'audio_configuration',
  'trial_params',
];
const FACEBOOK_ONLY = ['audio_configuration', 'poll_attachment', 'is_comment_prompt_used', 'product_tags'];
const PARENT_ONLY = ['location_id', 'is_ai_generated', 'poll_attachment', 'is_comment_prompt_used'];
const Trial = Type.Object({
  graduation_strategy: Type.Union([Type.Literal('MANUAL'), Type.Literal('SS_PERFORMANCE')]),
});

function checkExtras({ isItem, kind, params }: ContainerInput, stack: Stack): void {
  const forbidden = new Set([
    ...(kind === 'REELS' ? [] : REELS_ONLY.filter((name) => kind !== 'VIDEO' || name !== 'thumb_offset')),
    ...(stack === 'login' ? FACEBOOK_ONLY : []),
    ...(isItem ? PARENT_ONLY : []),
  ]);
  for (const name of Object.keys(params)) if (forbidden.has(name)) badParam(`param ${name} is not allowed`);
  const { thumb_offset, location_id, trial_params, branded_content_sponsor_ids, poll_attachment } = params;
  if (thumb_offset !== undefined && !/^\d+$/.test(thumb_offset)) refuseFor('thumbOffset');
  if (location_id !== undefined && !/^\d+$/.test(location_id)) {
    badParam('INSTAGRAM_PLATFORM_API__INVALID_LOCATION_ID');
  }
  if (trial_params !== undefined && !Value.Check(Trial, jsonOf(trial_params)))
    badParam('Param trial_params is invalid');
  if (listOf(branded_content_sponsor_ids ?? '').length > 2) badParam('At most 2 sponsors');
  if (poll_attachment !== undefined && params['is_comment_prompt_used'] === 'true') {
    badParam('A poll and a comment prompt exclude each other');
  }
}
