import type { GeneralTrack, ImageTrack, VideoTrack } from 'mediainfo.js';

export type Container = 'mp4' | 'mov' | 'webm' | 'jpeg' | 'webp' | 'png';

/** The content type of each container that we take. */
export const CONTENT_TYPES: Record<Container, string> = {
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  png: 'image/png',
};

const CONTAINERS: Record<string, Container> = { WebM: 'webm', JPEG: 'jpeg', WebP: 'webp', PNG: 'png' };

const CODECS: Record<string, string> = { AVC: 'h264', 'MPEG-4 Visual': 'mpeg4' };

/** Our name for a container that MediaInfo found; undefined for those that we do not take. */
export function containerOf({ Format = '', Format_Profile }: GeneralTrack): Container | undefined {
  if (Format === 'MPEG-4') return Format_Profile === 'QuickTime' ? 'mov' : 'mp4';
  return CONTAINERS[Format];
}

export function isImage(container: Container): boolean {
  return CONTENT_TYPES[container].startsWith('image/');
}

/** Our name for a codec: `h264`, `hevc`, `vp8`, `vp9`, `av1`, ...; an image's is its container's. */
export function codecOf(container: Container, { Format = '' }: VideoTrack | ImageTrack): string {
  if (isImage(container)) return container;
  return CODECS[Format] ?? Format.toLowerCase();
}
