import { describe, expect, test } from 'vitest';
import type { InstagramRequest } from '../providers/instagram/request.ts';
import { checkInstagramRequest } from '../providers/instagram/rules.ts';
import type { ThreadsRequest } from '../providers/threads/request.ts';
import { checkThreadsRequest } from '../providers/threads/rules.ts';

/* The requests that Instagram and Threads refuse before any call (instagram-facts 4.1, threads-facts 4.1). */

const image = { kind: 'image', url: 'https://a.example/1.jpg' } as const;
const video = { kind: 'video', url: 'https://a.example/1.mp4' } as const;
const tag = { username: 'somebody' };
const text = (postInfo: ThreadsRequest['postInfo']): ThreadsRequest => ({
  mediaType: 'TEXT',
  media: [],
  postInfo: { text: 'words', ...postInfo },
});
const placed = { ...tag, x: 0.5, y: 0.5 };

describe('Instagram refuses', () => {
  type Case = [what: string, request: InstagramRequest, rules: (readonly [field: string, rule: string])[]];

  test.each<Case>([
    [
      'nothing of a right carousel',
      {
        mediaType: 'CAROUSEL',
        media: [{ ...image, alt_text: 'one', user_tags: [placed] }, video],
        postInfo: {},
      },
      [],
    ],
    [
      'text and tags on a video of a carousel',
      {
        mediaType: 'CAROUSEL',
        media: [image, { ...video, alt_text: 'two', user_tags: [placed] }],
        postInfo: {},
      },
      [
        ['children.1.alt_text', 'alt_text_image'],
        ['children.1.user_tags', 'user_tags_video'],
      ],
    ],
    [
      'a child by its rules',
      {
        mediaType: 'CAROUSEL',
        media: [
          { ...image, user_tags: [tag] },
          { ...image, alt_text: 'x'.repeat(1001) },
        ],
        postInfo: {},
      },
      [
        ['children.0.user_tags', 'user_tags_position'],
        ['children.1.alt_text', 'alt_text_length'],
      ],
    ],
    [
      'an alt text on a story',
      { mediaType: 'STORIES', media: [image], postInfo: { alt_text: 'a' } },
      [['postInfo.alt_text', 'alt_text_image']],
    ],
    [
      'an alt text on a reel',
      { mediaType: 'REELS', media: [video], postInfo: { alt_text: 'a' } },
      [['postInfo.alt_text', 'alt_text_image']],
    ],
    [
      'a place of a tag on a reel',
      { mediaType: 'REELS', media: [video], postInfo: { user_tags: [placed] } },
      [['postInfo.user_tags', 'user_tags_reel']],
    ],
    ['no tag on a reel', { mediaType: 'REELS', media: [video], postInfo: { user_tags: [tag] } }, []],
    [
      'no tag on a story',
      { mediaType: 'STORIES', media: [image], postInfo: { user_tags: [tag, placed] } },
      [],
    ],
    [
      'a tag without a place on an image',
      { mediaType: 'IMAGE', media: [image], postInfo: { user_tags: [placed, tag] } },
      [['postInfo.user_tags', 'user_tags_position']],
    ],
  ])('%s', (_what, request, rules) => {
    expect(checkInstagramRequest(request).map(({ field, rule }) => [field, rule])).toEqual(rules);
  });
});

describe('Threads refuses', () => {
  test.each<[what: string, request: ThreadsRequest, fields: string[]]>([
    [
      'nothing of a right post',
      text({ reply_control: 'everyone', allowlisted_country_codes: ['DE', 'FR'] }),
      [],
    ],
    [
      'who may answer an answer',
      text({ reply_to_id: '1', reply_control: 'everyone' }),
      ['postInfo.reply_control'],
    ],
    [
      'approvals of answers to an answer',
      text({ reply_to_id: '1', enable_reply_approvals: true }),
      ['postInfo.enable_reply_approvals'],
    ],
    [
      'a text by its emoji, each of which counts as its bytes',
      { ...text({ text: '👨‍👩‍👧🇩🇪1️⃣©'.repeat(14) }), replies: [text({ text: '👨‍👩‍👧🇩🇪1️⃣©'.repeat(15) })] },
      ['replies.0.postInfo.text'],
    ],
    [
      'no tag, option or alt text by anything but its characters',
      {
        mediaType: 'IMAGE',
        media: [image],
        postInfo: { topic_tag: '🌍'.repeat(50), alt_text: '🌍'.repeat(1000) },
        replies: [text({ poll_attachment: { option_a: '🌍'.repeat(25), option_b: 'b' } })],
      },
      [],
    ],
    [
      'a link of which nothing can be opened',
      text({ link_attachment: 'example.com' }),
      ['postInfo.link_attachment'],
    ],
    [
      'no links that are the same but for the end of a sentence',
      text({
        text: [1, 2, 3, 4, 5]
          .map((n) => `https://a.example/${n}. (https://a.example/${n}), https://a.example/${n}!`)
          .join(' '),
      }),
      [],
    ],
    [
      'a sixth link',
      text({
        text: [1, 2, 3, 4, 5].map((n) => `https://a.example/${n}`).join(' '),
        link_attachment: 'https://a.example/6',
      }),
      ['postInfo.text'],
    ],
    ['an alt text without a file', text({ alt_text: 'a' }), ['postInfo.alt_text']],
    [
      'an alt text of a whole carousel',
      { mediaType: 'CAROUSEL', media: [image, video], postInfo: { alt_text: 'a' } },
      ['postInfo.alt_text'],
    ],
    ['no alt text of a file', { mediaType: 'VIDEO', media: [video], postInfo: { alt_text: 'a' } }, []],
    [
      'countries that are none, in a reply too',
      {
        ...text({ allowlisted_country_codes: ['de'] }),
        replies: [text({ allowlisted_country_codes: ['DEU'] })],
      },
      ['postInfo.allowlisted_country_codes', 'replies.0.postInfo.allowlisted_country_codes'],
    ],
  ])('%s', (_what, request, fields) => {
    expect(checkThreadsRequest(request).map(({ field }) => field)).toEqual(fields);
  });
});
