import { type MediaStore, StoreTrouble } from './store.ts';

/** The database's record of the media store, shared by all processes (db/media-store.ts). */
export interface MediaRegister {
  /** The installation's id, once a server has marked the store with it. */
  marked(): Promise<string | null>;
  /**
   * Marks the store, by one server at a time.
   * @param mark receives the id, and the key of a file that must exist if the store was used before marks existed
   * @returns the id
   */
  markOnce(mark: (installation: string, sample: string | null) => Promise<void>): Promise<string>;
}

/** The media store that all processes of an installation share. It reads and writes only after it has checked that. */
export interface MediaHome extends MediaStore {
  /** The problem of the store, for an operator; null if there is none. @throws the database's errors */
  check(): Promise<StoreTrouble | null>;
  /** @throws StoreTrouble */
  require(): Promise<void>;
}

/** How long a successful check stays valid. */
const BELIEVED_MS = 2000;

/** @param role a server marks a new store; a worker never does, because its folder may be another one */
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
    // The worker started before the first server. Nothing is stored yet, so it misses nothing.
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
 * Checks the store regularly.
 * @param tell called for each new problem, and with null once it is over
 * @returns a function that ends the checks
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
      // The database is down, which other checks report.
    }
  }
  void look();
  const timer = setInterval(() => void look(), LOOK_MS);
  return () => clearInterval(timer);
}
