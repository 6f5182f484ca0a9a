import { join } from 'node:path';
import type { Child } from '../../stack/child.ts';
import { type Keeper, startRole } from '../../stack/start.ts';

/** The settings of server and worker. */
export type Env = Record<string, string> & { DATABASE_URL: string; EVERPOST_KEYRING: string };

/** Keeps the processes of the product, with their logs. @param env of processes that start later */
export function keepProcesses(dir: string, env: Env) {
  const children: Child[] = [];
  const logFiles: string[] = [];
  const keeper: Keeper = {
    logFile(role) {
      const logFile = join(dir, `${role}-${logFiles.length}.log`);
      logFiles.push(logFile);
      return logFile;
    },
    async keep(_role, startOne) {
      const child = await startOne();
      children.push(child);
      return child;
    },
  };

  /** Starts one more process of the product. @param under a command that executes it, in surroundings of its making */
  const spawn = (
    role: 'server' | 'worker',
    more: Record<string, string> = {},
    under: readonly string[] = [],
  ): Promise<Child> =>
    keeper.keep(role, () => startRole(role, { ...env, ...more }, keeper.logFile(role), under));

  return { children, logFiles, keeper, spawn };
}
