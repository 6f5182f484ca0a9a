import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { mediaDirectory } from '../media/open.ts';
import type { Reader } from './reader.ts';

/** @returns the absolute path of the folder for everything embedded, and whether it is usable */
export function readFolder({ value, problem }: Reader<'EVERPOST_DIR'>): { dir: string; isUsable: boolean } {
  const dir = resolve(value('EVERPOST_DIR'));
  const isUsable = isOrCanBeFolder(dir);
  if (!isUsable) problem('EVERPOST_DIR must be a folder, but the path is something else');
  return { dir, isUsable };
}

/**
 * @param dir the parent folder of the default store
 * @returns the URL of the media store, with its folder's absolute path
 */
export function readMediaUrl({ value, problem }: Reader<'EVERPOST_MEDIA'>, dir: string): string {
  try {
    const folder = resolve(mediaDirectory(value('EVERPOST_MEDIA') || `file:${join(dir, 'media')}`));
    if (!isOrCanBeFolder(folder))
      problem('EVERPOST_MEDIA must name a folder, but the path is something else');
    return `file:${folder}`;
  } catch (error) {
    problem(`EVERPOST_MEDIA: ${error instanceof Error ? error.message : 'unreadable'}`);
    return '';
  }
}

/** Whether a path is a folder or can become one, because nothing is in its way. */
function isOrCanBeFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const isNoFolder = error instanceof Error && 'code' in error && error.code === 'ENOTDIR';
    return isAbsent ? isOrCanBeFolder(dirname(path)) : !isNoFolder;
  }
}
