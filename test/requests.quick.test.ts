import { describe, expect, test } from 'vitest';
import { platformOf } from '../providers/index.ts';
import type { OurFile } from '../providers/our-files.ts';
import { PROVIDER_NAMES } from '../providers/provider.ts';
import type { ReadRequest } from '../providers/requests.ts';

/* How each provider reads the bodies of its publish route, and gives them back. */

const MEDIA = 'm';
const VIDEO: OurFile = {
  id: MEDIA,
  sha256: 'aa',
  contentType: 'video/mp4',
  size: 1_000_000,
  durationMs: 10_000,
  codec: 'h264',
  width: 1080,
  height: 1920,
  fps: 30,
  bitRate: 1_000_000,
};
const PHOTO: OurFile = { ...VIDEO, contentType: 'image/jpeg', durationMs: null, codec: null, fps: null };

/** Bodies besides the example. */
const MORE: Readonly<Record<string, readonly object[]>> = {
  tiktok: [
    { source: 'PULL_FROM_URL', mode: 'inbox', photoUrls: ['https://a.example/1.jpg'], photoCoverIndex: 0 },
    { source: 'PULL_FROM_URL', mode: 'inbox', mediaId: MEDIA },
  ],
  instagram: [
    {
      mediaType: 'CAROUSEL',
      children: [{ mediaId: MEDIA, alt_text: 'one' }, { imageUrl: 'https://a.example/2.jpg' }],
      postInfo: { caption: 'two' },
    },
  ],
  threads: [
    {
      mediaType: 'IMAGE',
      imageUrl: 'https://a.example/1.jpg',
      replies: [{ mediaType: 'CAROUSEL', children: [{ mediaId: MEDIA }, { mediaId: MEDIA }] }],
    },
  ],
};

describe.each([...PROVIDER_NAMES])('%s', (name) => {
  const platform = platformOf(name);
  if (platform === null) throw new Error(`${name} is not in the registry`);
  const { about, requests } = platform;
  const bodies = [about.example(MEDIA), ...(MORE[name] ?? [])];

  function read(body: object, file: OurFile): ReadRequest {
    const opened = requests.open({ accountId: 'a', ...body }, { allowPrivate: false });
    expect(opened.problems).toEqual([]);
    return opened.read(new Map(opened.mediaIds.map((id) => [id, file])));
  }

  test('takes the example that its documentation shows', () => {
    expect(read(about.example(MEDIA), VIDEO).problems).toEqual([]);
  });

  test.each(bodies)('gives back a body that asks for the same post: %j', (body) => {
    for (const file of [VIDEO, PHOTO]) {
      const { request, file: own } = read(body, file);
      const shown = requests.bodyOf({ request, mediaId: own?.id ?? null });
      expect(read(shown, file).request).toEqual(request);
    }
  });

  test('names the files of ours that a body names, and no others', () => {
    for (const body of bodies) {
      const { mediaIds } = requests.open(body, { allowPrivate: false });
      expect(mediaIds.every((id) => id === MEDIA)).toBe(true);
      expect(mediaIds.length > 0).toBe(JSON.stringify(body).includes('mediaId'));
    }
  });
});
