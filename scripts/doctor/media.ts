import { randomUUID } from 'node:crypto';
import { access, constants, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createMediaRegister } from '../../db/media-store.ts';
import { type MediaStore, StoreTrouble, troubleOf } from '../../media/store.ts';
import { mediaDirectory, openMediaStore } from '../../media/open.ts';
import { failure, ok, warning, type Finding } from './check.ts';
import { askDatabase } from './connection.ts';

const MIB = 1_048_576;
const GIB = 1024 * MIB;
/** A file of this size must still fit. */
const FULL_BELOW = 64 * MIB;

/** What the folder should contain, according to the database. */
interface Expected {
  /** The installation whose mark must be in it; null if no server has marked it yet. */
  mark: string | null;
  /** A file that must be in it; null if none was ever stored. */
  file: string | null;
}

/**
 * Checks that the media folder exists, is the one that the servers use, is writable, and has free space.
 * @param url EVERPOST_MEDIA
 * @param databaseUrl undefined if the folder cannot be compared with the database
 */
export async function examineMedia(url: string, databaseUrl: string | undefined): Promise<Finding[]> {
  const folder = mediaDirectory(url);
  const told = databaseUrl === undefined ? null : await expected(databaseUrl);
  const comparison = told === null ? INCOMPARABLE : await compared(openMediaStore(url), told);
  const finding = (await isThere(folder)) ? await writable(folder) : await absent(folder);
  return [
    ...(comparison === null ? [] : [named(folder, comparison)]),
    // A finding that the folder is missing or foreign suffices.
    ...(comparison?.grade === 'failure' ? [] : [named(folder, finding)]),
  ];
}

const named = (folder: string, { grade, text }: Finding): Finding => ({ grade, text: `${folder}: ${text}` });

const INCOMPARABLE = warning(
  'whether it is the folder that all processes share is not known before the database is fixed',
);

async function expected(databaseUrl: string): Promise<Expected | null> {
  try {
    return await askDatabase(databaseUrl, async (db) => {
      const register = createMediaRegister(db);
      return { mark: await register.marked(), file: await register.newest() };
    });
  } catch {
    return null;
  }
}

/** @returns null if nothing can be said yet */
async function compared(store: MediaStore, { mark, file }: Expected): Promise<Finding | null> {
  if (mark !== null) {
    const trouble = await store.trouble(mark);
    return trouble === null ? ok('it has the mark of this installation') : failure(trouble.message);
  }
  if (file === null) return null;
  const isHere = await store.open(file).then(
    () => true,
    () => false,
  );
  return isHere ? null : failure(new StoreTrouble('missing').message);
}

async function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function absent(folder: string): Promise<Finding> {
  return (await canBeMade(folder))
    ? warning('it does not exist, and the first server makes it. Is a file system to be mounted there?')
    : failure('it does not exist and cannot be made: make it, and give it to the user that Everpost runs as');
}

/** Whether the nearest existing parent folder is writable. */
async function canBeMade(path: string): Promise<boolean> {
  const parent = dirname(path);
  if (!(await isThere(parent))) return parent !== path && canBeMade(parent);
  return access(parent, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function writable(folder: string): Promise<Finding> {
  const probe = join(folder, `doctor-${randomUUID()}`);
  try {
    await writeFile(probe, 'everpost');
  } catch (error) {
    const trouble = troubleOf(error);
    return failure(trouble instanceof Error ? trouble.message : String(trouble));
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const words = free < GIB ? `${Math.floor(free / MIB)} MiB free` : `${(free / GIB).toFixed(1)} GiB free`;
  if (free < FULL_BELOW) return failure(`${words}: ${new StoreTrouble('full').message}`);
  if (free < GIB) return warning(`${words}: uploads fail when it is full; make room`);
  return ok(`it can be written, ${words}; servers and workers must all see this same folder`);
}
