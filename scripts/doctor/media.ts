import { randomUUID } from 'node:crypto';
import { rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mediaDirectory } from '../../media/store.ts';
import { failure, ok, warning, type Finding } from './check.ts';

const GIB = 1_073_741_824;

/** Whether the folder of media is there, can be written, and has room. @param url EVERPOST_MEDIA */
export async function examineMedia(url: string): Promise<Finding[]> {
  const folder = mediaDirectory(url);
  try {
    if (!(await stat(folder)).isDirectory())
      return [failure(`${folder} is not a folder: EVERPOST_MEDIA must name one`)];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return code === 'ENOENT'
      ? [
          warning(
            `${folder} does not exist; the first process makes it. Is a file system to be mounted there?`,
          ),
        ]
      : [failure(`${folder} cannot be entered (${code}): let the user that Everpost runs as pass`)];
  }
  const probe = join(folder, `doctor-${randomUUID()}`);
  try {
    await writeFile(probe, 'everpost');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return [
      failure(
        `${folder} cannot be written (${code}): give it to the user that Everpost runs as, or make room`,
      ),
    ];
  } finally {
    await rm(probe, { force: true });
  }
  const { bavail, bsize } = await statfs(folder);
  const free = `${((bavail * bsize) / GIB).toFixed(1)} GiB free`;
  return [
    bavail * bsize < GIB
      ? warning(`${folder}: ${free}: uploads fail when it is full; make room`)
      : ok(`${folder} can be written, ${free}; servers and workers must all see this same folder`),
  ];
}
