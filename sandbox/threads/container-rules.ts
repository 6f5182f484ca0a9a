import { isMediaUrl } from '../meta/pull.ts';
import { checkAttachments } from './attachments.ts';
import type { ContainerInput } from './container-input.ts';
import type { Threads } from './context.ts';
import { apiError, badParam } from './problems.ts';
import type { Container, Profile } from './state.ts';
import { countText, uniqueLinks } from './text.ts';

export const REPLY_CONTROLS = [
  'everyone',
  'accounts_you_follow',
  'mentioned_only',
  'parent_post_author_only',
  'followers_only',
];
const LONGEST_TEXT = 500;
const MOST_LINKS = 5;

/** Refuses input that can not become a container, whatever it refers to. */
export function checkInput(threads: Threads, input: ContainerInput, profile: Profile): void {
  const { kind, params } = input;
  checkSource(input);
  checkText(threads, params, kind);
  checkReply(params);
  checkAttachments(input);
  if (params['allowlisted_country_codes'] !== undefined) checkCountries(threads, params, profile);
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
