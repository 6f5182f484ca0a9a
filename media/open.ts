import { fileURLToPath } from 'node:url';
import { diskStore } from './disk.ts';
import type { MediaStore } from './store.ts';

/**
 * Opens the store that a URL names: `file:/absolute/path`, `file:relative/path` (from the working directory). Throws an
 * Error that says what to write instead.
 */
export function openMediaStore(url: string): MediaStore {
  return diskStore(mediaDirectory(url));
}

/**
 * The directory of a media store's URL.
 * @throws Error that says what to write instead
 */
export function mediaDirectory(url: string): string {
  const [scheme = '', rest = ''] = url.split(/:(.*)/s);
  switch (scheme) {
    case 'file':
      return directoryOf(url, rest);
    case 's3':
      throw new Error(
        'Media in S3 is not supported yet: use a file: URL, such as file:/var/lib/everpost/media.',
      );
    default:
      throw new Error('A media store is a file: URL, such as file:/var/lib/everpost/media.');
  }
}

function directoryOf(url: string, rest: string): string {
  if (rest === '') throw new Error('The file: URL of the media store names no directory.');
  if (!rest.startsWith('//')) return rest;
  if (!rest.startsWith('///')) throw new Error('The file: URL of the media store must not name a host.');
  return fileURLToPath(url);
}
