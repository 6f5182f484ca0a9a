import { access, constants, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreTrouble, troubleOf } from './errors.ts';

/* The mark of an installation in its media folder. Without it, a missing mount looks like a folder without files. */

const MARK = '.everpost-media';

/** See MediaStore.mark. */
export async function leaveMark(root: string, installation: string, sample: string | null): Promise<void> {
  const found = await markOf(root);
  if (found === installation) return;
  if (found !== null) throw new StoreTrouble('foreign');
  if (sample !== null && !(await exists(join(root, sample)))) throw new StoreTrouble('missing');
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await writeFile(join(root, MARK), `${installation}\n`);
  } catch (error) {
    throw troubleOf(error);
  }
}

/** See MediaStore.trouble. */
export async function troubleWith(root: string, installation: string): Promise<StoreTrouble | null> {
  const found = await markOf(root);
  if (found === null) return new StoreTrouble('missing');
  if (found !== installation) return new StoreTrouble('foreign');
  try {
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return new StoreTrouble('read_only', error);
  }
}

/** Null if there is no readable mark. */
async function markOf(root: string): Promise<string | null> {
  const text = await readFile(join(root, MARK), 'utf8').catch(() => null);
  return text?.trim() || null;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
