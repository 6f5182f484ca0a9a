import { contentProblem, type RequestProblem } from '../request-problem.ts';
import type { FileFacts } from '../our-files.ts';

/*
 * Meta's requirements for files (instagram-facts 4.6, threads-facts 4.8). An unknown property is never a reason to
 * refuse.
 */

/** Width by height, both inclusive; null: any. */
type Ratios = readonly [least: number, most: number] | null;

export interface ImageRules {
  contentTypes: readonly string[];
  ratios: Ratios;
  /** How to fix a wrong ratio. */
  crop: string;
}

export interface VideoRules {
  megabytes: number;
  seconds: readonly [least: number, most: number];
  ratios: Ratios;
  megabitsPerSecond: number;
}

const MIB = 1024 ** 2;
const LARGEST_IMAGE_MB = 8;
const WIDEST = 1920;
const [SLOWEST_FPS, FASTEST_FPS] = [23, 60];
const VIDEO_TYPES = ['video/mp4', 'video/quicktime'];
const CODECS = ['h264', 'hevc'];

const nameOf = (contentType: string): string => contentType.replace(/^.*\//, '').toUpperCase();

/** @returns the problems of an image, each with the stable name of its rule */
export function checkImage(facts: FileFacts, { contentTypes, ratios, crop }: ImageRules): RequestProblem[] {
  const problems = collect('The image');
  if (!contentTypes.includes(facts.contentType))
    problems.add('image_format', `must be a ${contentTypes.map(nameOf).join(' or ')}; convert it`);
  if (facts.size > LARGEST_IMAGE_MB * MIB)
    problems.add('image_size', `is larger than ${LARGEST_IMAGE_MB} MB; make it smaller`);
  if (isOutside(ratioOf(facts), ratios)) problems.add('image_ratio', crop);
  return problems.found;
}

/** @returns the problems of a video, each with the stable name of its rule */
export function checkVideo(
  facts: FileFacts,
  { megabytes, seconds, ratios, megabitsPerSecond }: VideoRules,
): RequestProblem[] {
  const problems = collect('The video');
  const { contentType, size, codec, width, fps, bitRate, durationMs } = facts;
  if (!VIDEO_TYPES.includes(contentType)) problems.add('video_format', 'must be an MP4 or MOV; convert it');
  if (codec !== null && !CODECS.includes(codec))
    problems.add('video_codec', `is encoded as ${codec}; encode it as H.264 or HEVC`);
  if (size > megabytes * MIB)
    problems.add('video_size', `is larger than ${megabytes} MB; encode it with a lower bit rate`);
  if (width !== null && width > WIDEST)
    problems.add('video_width', `is ${width} pixels wide; scale it to at most ${WIDEST}`);
  // A varying rate is an average: 23.976 and 60.02 count as 24 and 60.
  if (isOutside(fps === null ? null : Math.round(fps), [SLOWEST_FPS, FASTEST_FPS]))
    problems.add(
      'video_frame_rate',
      `has ${fps} frames a second; encode it with ${SLOWEST_FPS} to ${FASTEST_FPS}`,
    );
  if (bitRate !== null && bitRate > megabitsPerSecond * 1_000_000)
    problems.add(
      'video_bit_rate',
      `has more than ${megabitsPerSecond} Mbit a second; encode it with a lower bit rate`,
    );
  if (isOutside(ratioOf(facts), ratios))
    problems.add('video_ratio', 'has an aspect ratio that the platform does not accept; 9:16 is best');
  checkEncoding(facts, problems.add);
  if (durationMs !== null) {
    const [least, most] = seconds;
    if (durationMs < least * 1000 || durationMs > most * 1000)
      problems.add(
        'video_duration',
        `is ${Math.round(durationMs / 1000)} s long; ${least} to ${most} s are allowed`,
      );
  }
  return problems.found;
}

const LARGEST_SAMPLE_RATE = 48_000;
const MOST_CHANNELS = 2;
const ffmpeg = (how: string): string => `ffmpeg -i in.mp4 ${how} -movflags +faststart out.mp4`;
const WITH_RIGHT_SOUND = ffmpeg('-c:v copy -c:a aac -ar 48000 -ac 2 -b:a 128k');

/**
 * Problems that Meta notices only once it has the file, and then reports as no more than "unknown" (the "codec" rows of
 * the same sections).
 */
function checkEncoding(
  { chroma, audioCodec, audioChannels, audioSampleRate, indexFirst }: FileFacts,
  add: (rule: string, message: string) => void,
): void {
  if (indexFirst === false)
    add(
      'video_index',
      `has its index (moov) after the media data; move it to the front, which needs no re-encoding: ${ffmpeg('-c copy')}`,
    );
  if (chroma != null && chroma !== '4:2:0')
    add(
      'video_chroma',
      `uses chroma subsampling ${chroma}; encode it with 4:2:0: ${ffmpeg('-c:v libx264 -pix_fmt yuv420p -c:a copy')}`,
    );
  if (audioCodec != null && audioCodec !== 'aac')
    add('audio_codec', `has ${audioCodec} sound; encode it as AAC: ${WITH_RIGHT_SOUND}`);
  if (audioChannels != null && audioChannels > MOST_CHANNELS)
    add(
      'audio_channels',
      `has ${audioChannels} audio channels; at most ${MOST_CHANNELS} are allowed: ${WITH_RIGHT_SOUND}`,
    );
  if (audioSampleRate != null && audioSampleRate > LARGEST_SAMPLE_RATE)
    add(
      'audio_sample_rate',
      `has sound at ${audioSampleRate} Hz; at most ${LARGEST_SAMPLE_RATE} Hz are allowed: ${WITH_RIGHT_SOUND}`,
    );
}

function collect(subject: string) {
  const found: RequestProblem[] = [];
  return {
    found,
    add: (rule: string, message: string): void =>
      void found.push(contentProblem(subject, 'mediaId', message, rule)),
  };
}

function ratioOf({ width, height }: FileFacts): number | null {
  return width === null || height === null || height === 0 ? null : width / height;
}

function isOutside(value: number | null, range: Ratios): boolean {
  return value !== null && range !== null && (value < range[0] || value > range[1]);
}
