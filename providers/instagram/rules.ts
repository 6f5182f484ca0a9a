import { Value } from 'typebox/value';
import { checkImage, checkVideo } from '../meta/files.ts';
import type { MediaRef } from '../meta/media.ts';
import type { FileFacts } from '../our-files.ts';
import { contentProblem, type RequestProblem } from '../request-problem.ts';
import { type InstagramRequest, type UserTag, UserTags } from './request.ts';

const ONLY_REELS = ['cover_url', 'thumb_offset', 'share_to_feed', 'audio_name'] as const;

/**
 * Checks Meta's rules that need no account (instagram-facts 4.1). @returns the problems, each with a stable `rule`;
 * empty if there are none
 */
export function checkInstagramRequest({ mediaType, media, postInfo }: InstagramRequest): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const problem = (field: string, rule: string, message: string): void =>
    void problems.push({ field: `postInfo.${field}`, rule, message });
  const content = (subject: string, field: string, rule: string, message: string): void =>
    void problems.push(contentProblem(subject, `postInfo.${field}`, message, rule));
  const { caption = '', collaborators = [] } = postInfo;

  if (Array.from(caption).length > 2200)
    content('The caption', 'caption', 'caption_length', 'is longer than 2200 characters; shorten it');
  if ((caption.match(/#[\p{L}\p{N}_]+/gu) ?? []).length > 30)
    content('The caption', 'caption', 'caption_hashtags', 'has more than 30 hashtags; take some away');
  if ((caption.match(/(?<![\p{L}\p{N}_.])@[\w.]+/gu) ?? []).length > 20)
    content('The caption', 'caption', 'caption_mentions', 'has more than 20 mentions; take some away');
  if (collaborators.length > 3)
    content('The collaborators', 'collaborators', 'collaborators_count', 'are more than 3; take some away');
  if (mediaType === 'STORIES' && collaborators.length > 0)
    content(
      'Collaborators',
      'collaborators',
      'collaborators_story',
      'are not possible for stories; leave them out',
    );
  if (Array.from(postInfo.alt_text ?? '').length > LONGEST_ALT_TEXT)
    content('The alternative text', 'alt_text', 'alt_text_length', ALT_TEXT_TOO_LONG);
  if (postInfo.alt_text !== undefined && mediaType !== 'IMAGE')
    problem(
      'alt_text',
      'alt_text_image',
      mediaType === 'CAROUSEL'
        ? 'is for single images; give it to the children of a carousel'
        : 'is for images in the feed, not for reels and stories; leave it out',
    );
  if (mediaType !== 'REELS')
    for (const field of ONLY_REELS)
      if (postInfo[field] !== undefined) problem(field, 'reels_only', 'is for REELS only; leave it out');
  if (mediaType === 'IMAGE' && postInfo.user_tags?.every(isPlaced) === false)
    problem('user_tags', 'user_tags_position', PLACE_MISSING);
  if (mediaType === 'REELS' && postInfo.user_tags?.some(({ x, y }) => x !== undefined || y !== undefined))
    problem('user_tags', 'user_tags_reel', 'have no x and y on a reel; leave them out');
  if (mediaType === 'CAROUSEL' && postInfo.user_tags !== undefined)
    problem('user_tags', 'user_tags_children', 'belong to the children of a carousel');
  if (mediaType === 'CAROUSEL' && (media.length < 2 || media.length > 10))
    problems.push(contentProblem('The items of a carousel', 'children', 'must be 2 to 10', 'carousel_count'));
  if (mediaType === 'CAROUSEL') problems.push(...media.flatMap(checkChild));
  return problems;
}

const LONGEST_ALT_TEXT = 1000;
const ALT_TEXT_TOO_LONG = `is longer than ${LONGEST_ALT_TEXT} characters; shorten it`;
const PLACE_MISSING = 'need x and y on an image';

const isPlaced = ({ x, y }: UserTag): boolean => x !== undefined && y !== undefined;

/** A video in a carousel has neither text nor tags. */
function checkChild({ kind, alt_text: alt, user_tags: tags }: MediaRef, index: number): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const problem = (field: string, rule: string, message: string): void =>
    void problems.push({ field: `children.${index}.${field}`, rule, message });
  if (Array.from(alt ?? '').length > LONGEST_ALT_TEXT)
    problems.push(
      contentProblem(
        'The alternative text',
        `children.${index}.alt_text`,
        ALT_TEXT_TOO_LONG,
        'alt_text_length',
      ),
    );
  if (kind === 'video') {
    if (alt !== undefined) problem('alt_text', 'alt_text_image', 'is for images; leave it out');
    if (tags !== undefined) problem('user_tags', 'user_tags_video', 'are for images; leave them out');
  } else if (tags !== undefined && !Value.Parse(UserTags, tags).every(isPlaced))
    problem('user_tags', 'user_tags_position', PLACE_MISSING);
  return problems;
}

/** Checks Meta's rules for a file of ours against its probed properties (instagram-facts 4.6). */
export function checkInstagramFile(
  { mediaType, postInfo }: Pick<InstagramRequest, 'mediaType' | 'postInfo'>,
  kind: MediaRef['kind'],
  facts: FileFacts,
): RequestProblem[] {
  const story = mediaType === 'STORIES';
  if (kind === 'image')
    return checkImage(facts, {
      contentTypes: ['image/jpeg'],
      ratios: story ? null : [0.8, 1.91],
      crop: 'has a ratio outside 4:5 to 1.91:1; crop it',
    });
  const problems = checkVideo(facts, {
    megabytes: story ? 100 : 300,
    seconds: story ? [3, 60] : [3, 15 * 60],
    ratios: story ? [0.1, 10] : [0.01, 10],
    megabitsPerSecond: 25,
  });
  const { thumb_offset: thumb } = postInfo;
  if (mediaType === 'REELS' && thumb !== undefined && facts.durationMs !== null && thumb >= facts.durationMs)
    problems.push(
      contentProblem(
        'The moment of the cover',
        'postInfo.thumb_offset',
        `must lie before the end of the video, which lasts ${facts.durationMs} ms`,
        'thumb_offset_range',
      ),
    );
  return problems;
}
