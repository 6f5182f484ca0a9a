import { type MediaStore, StoreTrouble } from './store.ts';

/** What the database knows of the media store, for all processes (db/media-store.ts). */
export interface MediaRegister {
  /** The id of the installation, once a server has marked the store with it. */
  marked(): Promise<string | null>;
  /**
   * Has the store marked, by one server at a time.
   * @param mark is given the id, and the key of a file that the store must have if it was used before marks existed
   * @returns the id
   */
  markOnce(mark: (installation: string, sample: string | null) => Promise<void>): Promise<string>;
}

/** The media store that all processes of an installation share. What it stores and reads, it does only where that is so. */
export interface MediaHome extends MediaStore {
  /** What is wrong with the store, for an operator; null: nothing. @throws what the database throws */
  check(): Promise<StoreTrouble | null>;
  /** @throws StoreTrouble */
  require(): Promise<void>;
}

/** How long a store that was found to be right is believed to be. */
const BELIEVED_MS = 2000;

/** @param role a server marks a store that is new; a worker, whose folder may be another one, never does */
export function createMediaHome(
  store: MediaStore,
  register: MediaRegister,
  role: 'server' | 'worker',
): MediaHome {
  let installation: string | null = null;
  let rightUntil = 0;

  async function look(): Promise<StoreTrouble | null> {
    if (Date.now() < rightUntil) return null;
    installation ??= await register.marked();
    if (installation === null && role === 'server')
      installation = await register.markOnce((...mark) => store.mark(...mark));
    // A worker that is faster than the first server: nothing is stored yet that it could miss.
    if (installation === null) return null;
    const trouble = await store.trouble(installation);
    if (trouble === null) rightUntil = Date.now() + BELIEVED_MS;
    return trouble;
  }

  async function check(): Promise<StoreTrouble | null> {
    try {
      return await look();
    } catch (error) {
      if (error instanceof StoreTrouble) return error;
      throw error;
    }
  }

  async function require(): Promise<void> {
    const trouble = await check();
    if (trouble !== null) throw trouble;
  }

  return {
    ...store,
    check,
    require,
    async open(key) {
      await require();
      return store.open(key);
    },
    async *parts(key, options) {
      await require();
      yield* store.parts(key, options);
    },
    async remove(key) {
      await require();
      await store.remove(key);
    },
  };
}

const LOOK_MS = 30_000;

/**
 * Looks at the store now and then.
 * @param tell is called when something is wrong with it that was not before, and with null when that is over
 * @returns ends it
 */
export function watchMediaHome(home: MediaHome, tell: (trouble: StoreTrouble | null) => void): () => void {
  let told: string | null = null;
  async function look(): Promise<void> {
    try {
      const trouble = await home.check();
      if ((trouble?.code ?? null) === told) return;
      told = trouble?.code ?? null;
      tell(trouble);
    } catch {
      // The database is away, which others tell.
    }
  }
  void look();
  const timer = setInterval(() => void look(), LOOK_MS);
  return () => clearInterval(timer);
}
