import type { Pulled } from '../meta/pull.ts';
import type { Options } from './options.ts';

const MIB = 1024 ** 2;
export const MAX_BYTES = { image: 8 * MIB, video: 1_024 * MIB };
const MAX_BITS_PER_SECOND = 100_000_000;

/** The `error_message` of a container (threads-facts 4.4 and 4.8), or null. */
export function mediaProblem(
  { image, video, size }: Pulled,
  kind: 'image' | 'video',
  options: Options,
): string | null {
  if (!options.checkMedia) return null;
  if (kind === 'image') {
    if (image === null) return 'UNKNOWN';
    const ratio = image.width / image.height;
    return ratio > 10 || ratio < 0.1 ? 'INVALID_ASPEC_RATIO' : null;
  }
  if (video === null || !video.moovFirst) return 'FAILED_PROCESSING_VIDEO';
  if (options.refuseEditLists && video.editList) return 'FAILED_PROCESSING_VIDEO';
  if (!['avc1', 'avc3', 'hvc1', 'hev1'].includes(video.codec)) return 'FAILED_PROCESSING_VIDEO';
  const ratio = video.width / video.height;
  if (!(ratio >= 0.01 && ratio <= 10) || video.width > 1_920) return 'INVALID_ASPEC_RATIO';
  if (video.durationMs <= 0 || video.durationMs > 300_000) return 'INVALID_DURATION';
  if (video.fps < 22.9 || video.fps > 60.1) return 'INVALID_FRAME_RATE';
  return (size * 8_000) / video.durationMs > MAX_BITS_PER_SECOND ? 'INVALID_BIT_RATE' : null;
}
