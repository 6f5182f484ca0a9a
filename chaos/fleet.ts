import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../stack/child.ts';
import { endNow } from '../stack/settings.ts';

/** What is killed. */
export const ROLES = ['worker', 'server', 'temporal', 'postgres'] as const;
export type Role = (typeof ROLES)[number];

/** A process that is killed and started again; every start has a log file of its own. */
interface Managed {
  role: Role;
  child: Child;
  start: () => Promise<Child>;
  /** Set while somebody has killed it and has not started it again. */
  down: boolean;
}

/** The processes that a round may kill. */
export function createFleet() {
  const all: Managed[] = [];
  /** How each process ended that was not killed by us. */
  const died: string[] = [];

  async function add(role: Role, start: () => Promise<Child>): Promise<void> {
    all.push({ role, start, child: await start(), down: false });
  }

  /** Kills one process with SIGKILL and starts it again after a while. @returns whether it was running */
  async function kill(role: Role, index: number, downMs: number): Promise<boolean> {
    const target = all.filter((managed) => managed.role === role)[index];
    if (target === undefined || target.down || !target.child.isRunning()) return false;
    target.down = true;
    await endNow(target.child);
    await sleep(downMs);
    target.child = await target.start();
    target.down = false;
    return true;
  }

  /** Starts what has ended by itself, as a supervisor would. */
  async function startCrashed(): Promise<void> {
    for (const managed of all) {
      if (managed.down || managed.child.isRunning()) continue;
      managed.down = true;
      died.push(`${managed.role}: ${await managed.child.exited}\n${lastWords(managed.child)}`);
      managed.child = await managed.start();
      managed.down = false;
    }
  }

  /** Nothing is kept, so nobody has to end in order; but only a PostgreSQL that is asked gives its shared memory back. */
  async function end(): Promise<void> {
    const databases = all.filter(({ role }) => role === 'postgres');
    await Promise.all(all.filter(({ role }) => role !== 'postgres').map(({ child }) => endNow(child)));
    await Promise.all(databases.map(({ child }) => child.stop()));
  }

  return { add, kill, startCrashed, end, died };
}

/** What tells why a process ended: what it wrote last, without what says that all is well. */
function lastWords(child: Child): string {
  const lines = child.logTail(1000).split('\n');
  return lines
    .filter((line) => !/^\{"level":[1-3]0,/.test(line))
    .slice(-10)
    .join('\n');
}
