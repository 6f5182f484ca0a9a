import { describe, expect, test } from 'vitest';
import type { InstagramRequest } from '../providers/instagram/request.ts';
import { checkInstagramFile } from '../providers/instagram/rules.ts';
import type { FileFacts } from '../providers/our-files.ts';
import { checkThreadsFile } from '../providers/threads/rules.ts';

/* The files that Instagram and Threads refuse before any call (instagram-facts 4.6, threads-facts 4.8). */

const MIB = 1024 ** 2;
const MINUTE = 60_000;

const video: FileFacts = {
  size: 10 * MIB,
  contentType: 'video/mp4',
  durationMs: 10_000,
  codec: 'h264',
  width: 1080,
  height: 1920,
  fps: 29.97,
  bitRate: 8_000_000,
};
const image: FileFacts = {
  size: MIB,
  contentType: 'image/jpeg',
  durationMs: null,
  codec: 'jpeg',
  width: 1080,
  height: 1080,
  fps: null,
  bitRate: null,
};

const of = (mediaType: InstagramRequest['mediaType']): InstagramRequest => ({
  mediaType,
  media: [],
  postInfo: {},
});

type Case = [facts: Partial<FileFacts>, rules: string[]];
const rulesOf = (problems: { rule?: string }[]): (string | undefined)[] => problems.map(({ rule }) => rule);

const OF_ANY_VIDEO: Case[] = [
  [{}, []],
  [{ contentType: 'video/quicktime', codec: 'hevc', fps: 60.02 }, []],
  [{ fps: 23.976 }, []],
  [{ contentType: 'video/webm', codec: 'vp9' }, ['video_format', 'video_codec']],
  [{ codec: 'av1' }, ['video_codec']],
  [{ width: 1921, height: 1080 }, ['video_width']],
  [{ fps: 15 }, ['video_frame_rate']],
  [{ fps: 120 }, ['video_frame_rate']],
  [{ width: 1100, height: 100 }, ['video_ratio']],
  [{ indexFirst: true, chroma: '4:2:0', audioCodec: 'aac', audioChannels: 2, audioSampleRate: 48_000 }, []],
  [{ indexFirst: null, chroma: null, audioCodec: null, audioChannels: null, audioSampleRate: null }, []],
  [{ indexFirst: false }, ['video_index']],
  [{ chroma: '4:2:2' }, ['video_chroma']],
  [{ chroma: '4:4:4' }, ['video_chroma']],
  [{ audioCodec: 'mp3' }, ['audio_codec']],
  [{ audioCodec: 'pcm' }, ['audio_codec']],
  [{ audioChannels: 6 }, ['audio_channels']],
  [{ audioSampleRate: 96_000 }, ['audio_sample_rate']],
  [{ codec: null, width: null, height: null, fps: null, bitRate: null, durationMs: null }, []],
];

describe('a video', () => {
  test.each<Case>([
    ...OF_ANY_VIDEO,
    [{ bitRate: 25_000_000 }, []],
    [{ bitRate: 25_000_001 }, ['video_bit_rate']],
    [{ size: 301 * MIB }, ['video_size']],
    [{ durationMs: 2_999 }, ['video_duration']],
    [{ durationMs: 15 * MINUTE }, []],
    [{ durationMs: 15 * MINUTE + 1 }, ['video_duration']],
  ])('%j as a reel breaks %j', (facts, rules) => {
    expect(rulesOf(checkInstagramFile(of('REELS'), 'video', { ...video, ...facts }))).toEqual(rules);
  });

  test.each<Case>([
    ...OF_ANY_VIDEO,
    [{ size: 101 * MIB }, ['video_size']],
    [{ durationMs: MINUTE + 1 }, ['video_duration']],
    [{ width: 90, height: 1000 }, ['video_ratio']],
  ])('%j as a story breaks %j', (facts, rules) => {
    expect(rulesOf(checkInstagramFile(of('STORIES'), 'video', { ...video, ...facts }))).toEqual(rules);
  });

  test.each<Case>([
    ...OF_ANY_VIDEO,
    [{ bitRate: 100_000_000 }, []],
    [{ bitRate: 100_000_001 }, ['video_bit_rate']],
    [{ size: 1024 * MIB }, []],
    [{ size: 1025 * MIB }, ['video_size']],
    [{ durationMs: 500 }, []],
    [{ durationMs: 5 * MINUTE }, []],
    [{ durationMs: 5 * MINUTE + 1 }, ['video_duration']],
  ])('%j for Threads breaks %j', (facts, rules) => {
    expect(rulesOf(checkThreadsFile('video', { ...video, ...facts }))).toEqual(rules);
  });
});

test('as a reel has its cover before its end', () => {
  const request: InstagramRequest = { ...of('REELS'), postInfo: { thumb_offset: 10_000 } };
  expect(checkInstagramFile(request, 'video', video)).toMatchObject([
    { field: 'postInfo.thumb_offset', rule: 'thumb_offset_range' },
  ]);
  request.postInfo.thumb_offset = 9_999;
  expect(checkInstagramFile(request, 'video', video)).toEqual([]);
});

describe('an image', () => {
  test.each<Case>([
    [{}, []],
    [{ contentType: 'image/png' }, ['image_format']],
    [{ size: 8 * MIB + 1 }, ['image_size']],
    [{ width: 700, height: 1000 }, ['image_ratio']],
    [{ width: 2000, height: 1000 }, ['image_ratio']],
    [{ width: 8000, height: 8000 }, []],
  ])('%j for the feed breaks %j', (facts, rules) => {
    for (const place of ['IMAGE', 'CAROUSEL'] as const)
      expect(rulesOf(checkInstagramFile(of(place), 'image', { ...image, ...facts }))).toEqual(rules);
  });

  test('of any ratio can be a story', () => {
    expect(checkInstagramFile(of('STORIES'), 'image', { ...image, width: 100, height: 1000 })).toEqual([]);
  });

  test.each<Case>([
    [{}, []],
    [{ contentType: 'image/png' }, []],
    [{ contentType: 'image/webp' }, ['image_format']],
    [{ size: 8 * MIB + 1 }, ['image_size']],
    [{ width: 1000, height: 100 }, []],
    [{ width: 1001, height: 100 }, ['image_ratio']],
  ])('%j for Threads breaks %j', (facts, rules) => {
    expect(rulesOf(checkThreadsFile('image', { ...image, ...facts }))).toEqual(rules);
  });
});

test('problems that a command can fix come with the command', () => {
  const facts: FileFacts = { ...video, indexFirst: false, audioCodec: 'mp3' };
  const told = checkInstagramFile(of('REELS'), 'video', facts).map(({ message }) => message);
  expect(told).toEqual([
    expect.stringContaining('ffmpeg -i in.mp4 -c copy -movflags +faststart out.mp4'),
    expect.stringContaining('ffmpeg -i in.mp4 -c:v copy -c:a aac'),
  ]);
});

test('every refusal says what to do', () => {
  const bad = { size: 1e12, contentType: 'x/y', durationMs: 1e9, codec: 'x', width: 1e6, height: 1, fps: 1 };
  const encoding = {
    indexFirst: false,
    chroma: '4:2:2',
    audioCodec: 'ac3',
    audioChannels: 6,
    audioSampleRate: 96_000,
  };
  const facts = { ...bad, ...encoding, bitRate: 1e12 };
  const problems = [
    ...checkInstagramFile(of('IMAGE'), 'image', facts),
    ...checkInstagramFile(of('REELS'), 'video', facts),
    ...checkThreadsFile('image', facts),
    ...checkThreadsFile('video', facts),
  ];
  expect(new Set(rulesOf(problems)).size).toBe(16);
  for (const { message, field } of problems)
    expect({ field, message }).toEqual({ field: 'mediaId', message: expect.stringMatching(/[;:] \S|best$/) });
});
