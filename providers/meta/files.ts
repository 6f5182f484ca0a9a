import { contentProblem, type RequestProblem } from '../request-problem.ts';
import type { MediaFacts } from '../publishing.ts';

/* What Meta's platforms accept of a file (instagram-facts 4.6, threads-facts 4.8). What is not known is not refused. */

/** A file of ours, as it was probed. */
export interface FileFacts extends MediaFacts {
  codec: string | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  /** Of the pictures of a video, bits a second. */
  bitRate: number | null;
  /** How a video keeps colours: `4:2:0`, ... Absent, here and below: not known. */
  chroma?: string | null;
  audioCodec?: string | null;
  audioChannels?: number | null;
  /** Hertz. */
  audioSampleRate?: number | null;
  /** Whether the index (`moov`) stands before the pictures. */
  indexFirst?: boolean | null;
}

/** Width by height, both inclusive; null: any. */
type Ratios = readonly [least: number, most: number] | null;

export interface ImageRules {
  contentTypes: readonly string[];
  ratios: Ratios;
  /** What to do about a wrong one. */
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

/** @returns what is wrong with an image, each by a rule that is named for good */
export function checkImage(facts: FileFacts, { contentTypes, ratios, crop }: ImageRules): RequestProblem[] {
  const problems = collect('The image');
  if (!contentTypes.includes(facts.contentType))
    problems.add('image_format', `must be a ${contentTypes.map(nameOf).join(' or ')}; convert it`);
  if (facts.size > LARGEST_IMAGE_MB * MIB)
    problems.add('image_size', `is larger than ${LARGEST_IMAGE_MB} MB; save it smaller`);
  if (isOutside(ratioOf(facts), ratios)) problems.add('image_ratio', crop);
  return problems.found;
}

/** @returns what is wrong with a video, each by a rule that is named for good */
export function checkVideo(
  facts: FileFacts,
  { megabytes, seconds, ratios, megabitsPerSecond }: VideoRules,
): RequestProblem[] {
  const problems = collect('The video');
  const { contentType, size, codec, width, fps, bitRate, durationMs } = facts;
  if (!VIDEO_TYPES.includes(contentType)) problems.add('video_format', 'must be an MP4 or MOV; convert it');
  if (codec !== null && !CODECS.includes(codec))
    problems.add('video_codec', `is encoded as ${codec}; encode it as H.264 or HEVC`);
  if (size > megabytes * MIB) problems.add('video_size', `is larger than ${megabytes} MB; encode it smaller`);
  if (width !== null && width > WIDEST)
    problems.add('video_width', `is ${width} pixels wide; scale it to ${WIDEST} at most`);
  // An average of what varies: 23.976 and 60.02 are 24 and 60.
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
    problems.add('video_ratio', 'has a ratio that is not accepted; 9:16 is best');
  checkEncoding(facts, problems.add);
  if (durationMs !== null) {
    const [least, most] = seconds;
    if (durationMs < least * 1000 || durationMs > most * 1000)
      problems.add(
        'video_duration',
        `lasts ${Math.round(durationMs / 1000)} s; ${least} to ${most} s are allowed: cut it`,
      );
  }
  return problems.found;
}

const LARGEST_SAMPLE_RATE = 48_000;
const MOST_CHANNELS = 2;
const ffmpeg = (how: string): string => `ffmpeg -i in.mp4 ${how} -movflags +faststart out.mp4`;
const WITH_RIGHT_SOUND = ffmpeg('-c:v copy -c:a aac -ar 48000 -ac 2 -b:a 128k');

/** What Meta finds out only after it has the file, and then names by no more than "unknown" (the rows "codec" of the same). */
function checkEncoding(
  { chroma, audioCodec, audioChannels, audioSampleRate, indexFirst }: FileFacts,
  add: (rule: string, message: string) => void,
): void {
  if (indexFirst === false)
    add(
      'video_index',
      `has its index (moov) behind its pictures; put it first, which needs no encoding: ${ffmpeg('-c copy')}`,
    );
  if (chroma != null && chroma !== '4:2:0')
    add(
      'video_chroma',
      `keeps its colours as ${chroma}; encode it with 4:2:0: ${ffmpeg('-c:v libx264 -pix_fmt yuv420p -c:a copy')}`,
    );
  if (audioCodec != null && audioCodec !== 'aac')
    add('audio_codec', `has its sound as ${audioCodec}; encode that as AAC: ${WITH_RIGHT_SOUND}`);
  if (audioChannels != null && audioChannels > MOST_CHANNELS)
    add(
      'audio_channels',
      `has ${audioChannels} audio channels; ${MOST_CHANNELS} at most: ${WITH_RIGHT_SOUND}`,
    );
  if (audioSampleRate != null && audioSampleRate > LARGEST_SAMPLE_RATE)
    add(
      'audio_sample_rate',
      `has sound of ${audioSampleRate} Hz; ${LARGEST_SAMPLE_RATE} Hz at most: ${WITH_RIGHT_SOUND}`,
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
