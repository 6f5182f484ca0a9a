import type { Pulled } from '../meta/pull.ts';
import type { VideoFacts } from '../meta/video-facts.ts';
import type { Options } from './options.ts';
import type { Problem } from './problems.ts';
import type { Container } from './state.ts';

const MIB = 1024 ** 2;
export const MAX_IMAGE_BYTES = 8 * MIB;

export function maxVideoBytes(kind: Container['kind']): number {
  return (kind === 'STORIES' ? 100 : 300) * MIB;
}

/** instagram-facts 4.6: JPEG only. The feed has a range of ratios; for stories and covers they are only recommended. */
export function imageProblem({ image }: Pulled, place: 'feed' | 'story' | 'cover'): Problem | null {
  if (image === null || image.format !== 'jpeg') return 'imageFormat';
  const ratio = image.width / image.height;
  if (place === 'feed' && (ratio < 4 / 5 - 0.001 || ratio > 1.91 + 0.001)) return 'ratio';
  return null;
}

/** instagram-facts 4.6: the video table. Most encoders write edit lists, so refusing them is an option. */
export function videoProblem(
  video: VideoFacts | null,
  { kind, params }: Pick<Container, 'kind' | 'params'>,
  options: Options,
): Problem | null {
  if (video === null || !video.moovFirst) return 'videoFormat';
  if (options.refuseEditLists && video.editList) return 'videoFormat';
  if (!['avc1', 'avc3', 'hvc1', 'hev1'].includes(video.codec)) return 'videoFormat';
  const ratio = video.width / video.height;
  const [narrowest, longest] = kind === 'STORIES' ? [0.1, 60_000] : [0.01, 900_000];
  if (!(ratio >= narrowest && ratio <= 10) || video.width > 1_920) return 'videoFormat';
  if (video.durationMs < 3_000 || video.durationMs > longest) return 'videoFormat';
  if (video.fps < 22.9 || video.fps > 60.1) return 'videoFormat';
  const thumb = params['thumb_offset'];
  return thumb !== undefined && Number(thumb) >= video.durationMs ? 'thumbOffset' : null;
}
