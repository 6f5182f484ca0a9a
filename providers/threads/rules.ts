import { checkImage, checkVideo } from '../meta/files.ts';
import type { MediaRef } from '../meta/media.ts';
import type { FileFacts } from '../our-files.ts';
import { contentProblem, type RequestProblem } from '../request-problem.ts';
import type { ThreadsRequest, ThreadsUnit } from './request.ts';

const LONGEST_TEXT = 500;
const LONGEST_ALT_TEXT = 1000;
const MOST_LINKS = 5;
const MOST_ITEMS = 20;

/**
 * Checks Threads' rules that need no account (threads-facts 4.1 and 4.8). @returns the problems; empty if there are
 * none
 */
export function checkThreadsRequest({ replies = [], ...root }: ThreadsRequest): RequestProblem[] {
  return [
    ...checkUnit(root, ''),
    ...replies.flatMap((reply, index) => checkUnit(reply, `replies.${index}.`)),
  ];
}

function checkUnit({ mediaType, media, postInfo }: ThreadsUnit, at: string): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const problem = (field: string, message: string): void =>
    void problems.push({ field: `${at}postInfo.${field}`, message });
  const content = (subject: string, field: string, message: string): void =>
    void problems.push(contentProblem(subject, `${at}postInfo.${field}`, message));
  const { text = '', poll_attachment: poll, link_attachment: link, topic_tag: tag } = postInfo;

  if (mediaType === 'TEXT' && text === '') content('The text', 'text', 'is required by mediaType TEXT');
  if (lengthOf(text) > LONGEST_TEXT)
    content(
      'The text',
      'text',
      `is longer than ${LONGEST_TEXT} characters (emoji count by their UTF-8 bytes)`,
    );
  const links = new Set([...linksIn(text), ...(link === undefined ? [] : [link])]);
  if (link !== undefined && !isWebUrl(link))
    content('The link', 'link_attachment', 'must be a URL that begins with https:// or http://');
  if (links.size > MOST_LINKS) content('The text', 'text', `has more than ${MOST_LINKS} different links`);
  if (mediaType !== 'TEXT') {
    if (link !== undefined) problem('link_attachment', 'is for mediaType TEXT only');
    if (poll !== undefined) problem('poll_attachment', 'is for mediaType TEXT only');
  }
  for (const [name, option] of Object.entries(poll ?? {}))
    if (option === '' || charactersOf(option) > 25)
      content('An option of the poll', `poll_attachment.${name}`, 'must have 1 to 25 characters');
  if (tag !== undefined && (tag === '' || charactersOf(tag) > 50 || /[.&]/.test(tag)))
    content('The topic', 'topic_tag', 'must have 1 to 50 characters, without "." and "&"');
  const alts = [postInfo.alt_text, ...media.map((one) => one.alt_text)];
  if (alts.some((alt = '') => charactersOf(alt) > LONGEST_ALT_TEXT))
    content('The alternative text', 'alt_text', `is longer than ${LONGEST_ALT_TEXT} characters`);
  // Threads would silently drop these, or apply them to the root (threads-facts 4.1).
  if (postInfo.alt_text !== undefined && mediaType === 'CAROUSEL')
    problem('alt_text', 'is for single files; give it to the children of a carousel');
  if (postInfo.alt_text !== undefined && mediaType === 'TEXT')
    problem('alt_text', 'is for posts with media only');
  if (postInfo.reply_to_id !== undefined)
    for (const field of ['reply_control', 'enable_reply_approvals'] as const)
      if (postInfo[field] !== undefined)
        problem(field, 'is for posts that answer no other; leave it out, or leave out reply_to_id');
  if (postInfo.allowlisted_country_codes?.every((code) => /^[A-Z]{2}$/.test(code)) === false)
    content(
      'The country codes',
      'allowlisted_country_codes',
      'must have two capital letters each, as ISO 3166 has them',
    );
  if (mediaType === 'CAROUSEL' && (media.length < 2 || media.length > MOST_ITEMS))
    problems.push(contentProblem('The items of a carousel', `${at}children`, `must be 2 to ${MOST_ITEMS}`));
  if (mediaType === 'TEXT' && postInfo.is_spoiler_media !== undefined)
    problem('is_spoiler_media', 'is for posts with media only');
  return problems;
}

/** Checks Threads' rules for a file of ours against its probed properties (threads-facts 4.8). */
export function checkThreadsFile(kind: MediaRef['kind'], facts: FileFacts): RequestProblem[] {
  if (kind === 'image')
    return checkImage(facts, {
      contentTypes: ['image/jpeg', 'image/png'],
      ratios: [0.1, 10],
      crop: 'has a ratio beyond 10:1; crop it',
    });
  return checkVideo(facts, {
    megabytes: 1024,
    seconds: [0, 300],
    ratios: [0.01, 10],
    megabitsPerSecond: 100,
  });
}

const charactersOf = (text: string): number => Array.from(text).length;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/**
 * An emoji of any number of code points, but not a character like © that is only an emoji with a variation selector.
 */
const EMOJI = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u;

/** Counts characters; an emoji counts as its bytes in UTF-8 (threads-facts 4.1). */
function lengthOf(text: string): number {
  let length = 0;
  for (const { segment } of graphemes.segment(text))
    length += EMOJI.test(segment) ? Buffer.byteLength(segment) : charactersOf(segment);
  return length;
}

/** The URLs in a text, without trailing punctuation. */
function linksIn(text: string): string[] {
  return (text.match(/https?:\/\/\S+/gi) ?? []).map((url) => /^.*[^.,;:!?'"’”)\]}>]/.exec(url)?.[0] ?? '');
}

function isWebUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
