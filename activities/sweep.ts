import { forgetOldRows } from '../db/retention.ts';
import { countRepairs } from '../metrics/counters.ts';
import type { Swept } from '../temporal/contract.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { rewrapSecret } from './installation.ts';
import { tidyMedia } from './media-files.ts';
import { comparePosts } from './sweep-posts.ts';
import {
  restartActions,
  restartDeletions,
  restartEvents,
  startActions,
  startDeletions,
  startEvents,
  startKeepers,
  startPosts,
  startUploads,
  tellOfAccounts,
} from './sweep-starts.ts';

const NOTHING: Swept = {
  posts: 0,
  deletions: 0,
  actions: 0,
  events: 0,
  media: 0,
  accounts: 0,
  keepers: 0,
  orphans: 0,
  stragglers: 0,
  files: 0,
};

const isKind = (name: string): name is keyof Swept => Object.hasOwn(NOTHING, name);
const KINDS = Object.keys(NOTHING).filter(isKind);

/** The parts of a sweep, in order; each returns what it repaired. */
const PARTS: readonly ((deps: Deps) => Promise<Partial<Swept>>)[] = [
  startPosts,
  startDeletions,
  startEvents,
  startUploads,
  startActions,
  restartActions,
  restartDeletions,
  restartEvents,
  startKeepers,
  tellOfAccounts,
  comparePosts,
  async ({ db }) => {
    await forgetOldRows(db);
    return {};
  },
  async (deps) => ({ files: await tidyMedia(deps) }),
  async (deps) => {
    await rewrapSecret(deps);
    return {};
  },
];

/** The fallback behind the API and Temporal: brings the database and the workflows back into agreement. */
export const createSweepActivities = (deps: Deps) => ({
  /** Runs every part, even after a failure. @throws the first failure, after the last part */
  sweepOnce: (): Promise<Swept> =>
    alive(async () => {
      const swept = { ...NOTHING };
      const failures: unknown[] = [];
      for (const part of PARTS)
        try {
          const repaired = await part(deps);
          for (const kind of KINDS) swept[kind] += repaired[kind] ?? 0;
        } catch (error) {
          failures.push(error);
        }
      if (failures.length > 0) throw failures[0];
      const { files, ...repairs } = swept;
      return { ...countRepairs(repairs), files };
    }),
});
