import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endNow, type Child } from './child.ts';
import type { Keeper, Role } from './start.ts';

/** A process that can be killed and restarted; every start has its own log file. */
interface Managed {
  role: Role;
  child: Child;
  start: () => Promise<Child>;
  /** Set from the kill until the process runs again. */
  down: boolean;
}

const PATIENCE_MS = 60_000;

export interface Fleet extends Keeper {
  /** @throws Error if there is none */
  child: (role: Role) => Child;
  /** Kills a process with SIGKILL and restarts it after a while. @returns whether it was running */
  kill: (role: Role, index: number, downMs: number) => Promise<boolean>;
  /** Restarts processes that ended by themselves, like a supervisor. */
  startCrashed: () => Promise<void>;
  end: () => Promise<void>;
  /** How the processes ended that we did not kill. */
  died: readonly string[];
  /** The log files of all starts so far. */
  logFiles: readonly string[];
}

/** The processes of a stack without kept state. @param logs the folder of their log files */
export function createFleet(logs: string): Fleet {
  const all: Managed[] = [];
  const died: string[] = [];
  const logFiles: string[] = [];

  async function kill(role: Role, index: number, downMs: number): Promise<boolean> {
    const target = all.filter((managed) => managed.role === role)[index];
    if (target === undefined || target.down || !target.child.isRunning()) return false;
    target.down = true;
    await endNow(target.child);
    await sleep(downMs);
    target.child = await startAgain(target);
    target.down = false;
    return true;
  }

  async function startCrashed(): Promise<void> {
    for (const managed of all) {
      if (managed.down || managed.child.isRunning()) continue;
      managed.down = true;
      died.push(`${managed.role}: ${await managed.child.exited}\n${lastWords(managed.child)}`);
      managed.child = await startAgain(managed);
      managed.down = false;
    }
  }

  /** The order does not matter; but PostgreSQL only frees its shared memory when it is stopped properly. */
  async function end(): Promise<void> {
    const databases = all.filter(({ role }) => role === 'postgres');
    await Promise.all(all.filter(({ role }) => role !== 'postgres').map(({ child }) => endNow(child)));
    await Promise.all(databases.map(({ child }) => child.stop()));
  }

  return {
    logFile(role) {
      const file = join(logs, `${logFiles.length}-${role}.log`);
      logFiles.push(file);
      return file;
    },
    async keep(role, start) {
      const child = await start();
      all.push({ role, start, child, down: false });
      return child;
    },
    child(role) {
      const found = all.find((managed) => managed.role === role);
      if (found === undefined) throw new Error(`there is no ${role}`);
      return found.child;
    },
    kill,
    startCrashed,
    end,
    died,
    logFiles,
  };
}

/** A killed PostgreSQL leaves processes that end a moment later: until then a new one refuses to start. */
async function startAgain({ start }: Managed): Promise<Child> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(200);
    }
  }
}

/** Why a process ended: its last output, without lines that report success. */
function lastWords(child: Child): string {
  const lines = child.logTail(1000).split('\n');
  return lines
    .filter((line) => !/^\{"level":[1-3]0,/.test(line))
    .slice(-10)
    .join('\n');
}
