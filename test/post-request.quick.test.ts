import { expect, test } from 'vitest';
import { requestView } from '../api/post-view.ts';
import { withSwitches } from '../providers/tiktok/request.ts';

/* A post's `request`: the body of the provider's own route for it. */

const view = (provider: string, request: object, mediaId: string | null = null) =>
  requestView({ provider, request, mediaId, oauthAccountId: 'a' });

test('a single file has its id, or the field for its kind of URL', () => {
  const postInfo = { caption: 'c' };
  expect(
    view('instagram', { mediaType: 'REELS', media: [{ kind: 'video', mediaId: 'm' }], postInfo }, 'm'),
  ).toEqual({
    accountId: 'a',
    mediaType: 'REELS',
    mediaId: 'm',
    postInfo,
  });
  expect(view('instagram', { mediaType: 'IMAGE', media: [{ kind: 'image', url: 'u' }], postInfo })).toEqual({
    accountId: 'a',
    mediaType: 'IMAGE',
    imageUrl: 'u',
    postInfo,
  });
});

test('a carousel has children, and a chain has replies', () => {
  const media = [
    { kind: 'image', url: 'u', alt_text: 't' },
    { kind: 'video', mediaId: 'm' },
  ];
  const request = {
    mediaType: 'CAROUSEL',
    media,
    postInfo: {},
    replies: [{ mediaType: 'TEXT', media: [], postInfo: { text: 'r' } }],
  };
  expect(view('threads', request)).toEqual({
    accountId: 'a',
    mediaType: 'CAROUSEL',
    children: [{ imageUrl: 'u', alt_text: 't' }, { mediaId: 'm' }],
    postInfo: {},
    replies: [{ mediaType: 'TEXT', postInfo: { text: 'r' } }],
  });
});

test('a file of ours that TikTok fetches has only its id', () => {
  const request = { source: 'PULL_FROM_URL', mode: 'direct', postInfo: {} };
  expect(view('tiktok', { ...request, pulled: { kind: 'image', mediaId: 'm' } }, 'm')).toEqual({
    accountId: 'a',
    mediaId: 'm',
    ...request,
  });
});

test('a direct video has the switches that apply, a draft has none', () => {
  const file = { source: 'FILE_UPLOAD', postInfo: { disable_duet: true } } as const;
  expect(view('tiktok', withSwitches({ ...file, mode: 'direct' }), 'm')).toEqual({
    accountId: 'a',
    mediaId: 'm',
    source: 'FILE_UPLOAD',
    mode: 'direct',
    postInfo: { disable_comment: false, disable_duet: true, disable_stitch: false },
  });
  expect(view('tiktok', withSwitches({ ...file, postInfo: {}, mode: 'inbox' }), 'm')['postInfo']).toEqual({});
});
