export type Container = 'mp4' | 'mov' | 'webm' | 'jpeg' | 'webp' | 'png';

/** The content type of each container that we accept. */
export const CONTENT_TYPES: Record<Container, string> = {
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  png: 'image/png',
};

/** Our names for codecs that have another name in the parser. */
const CODECS: Record<string, string> = {
  AVC: 'h264',
  'MPEG-4 Visual': 'mpeg4',
  'MPEG Audio': 'mp3',
  'AC-3': 'ac3',
  'E-AC-3': 'eac3',
};

export function isImage(container: Container): boolean {
  return CONTENT_TYPES[container].startsWith('image/');
}

/**
 * Our name for a codec: `h264`, `hevc`, `vp8`, `vp9`, `av1`, `aac`, `opus`, ... A name unknown to us may come from the
 * file.
 */
export function codecOf(format: string): string {
  const known = Object.hasOwn(CODECS, format) ? CODECS[format] : undefined;
  const name = known ?? format.toLowerCase();
  return name.replaceAll(/[^a-z0-9 .+/_-]/g, '').trim() || 'unknown';
}
