const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Counts characters; an emoji counts as its bytes in UTF-8 (threads-facts 4.1 and 11.20). */
export function countText(text: string): number {
  let count = 0;
  for (const { segment } of graphemes.segment(text)) {
    const emoji = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(segment);
    count += emoji ? Buffer.byteLength(segment) : Array.from(segment).length;
  }
  return count;
}

/** Unique URLs of a post, the attached one included (threads-facts 4.1). */
export function uniqueLinks(text: string, attachment: string | undefined): number {
  const links = new Set(text.match(/https?:\/\/[^\s]+/g));
  if (attachment !== undefined) links.add(attachment);
  return links.size;
}

/** The named topic, or the first `#tag`, which ends at `.`, `&` or a space (threads-facts 4.1). */
export function topicOf({ text = '', topic_tag }: Record<string, string>): string | undefined {
  return topic_tag ?? /#([^\s.&#]+)/u.exec(text)?.[1];
}

/** The profiles mentioned in a text. */
export function mentionsIn(text: string): string[] {
  return [...text.matchAll(/@([\w.]+)/g)].flatMap(([, name]) => name ?? []);
}
