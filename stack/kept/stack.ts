import { join } from 'node:path';
import type { Child } from '../child.ts';
import { Interrupted } from '../run-script.ts';
import { during, say } from '../say.ts';
import { start, type Keeper, type Stack } from '../start.ts';
import { folder, lockFolder, unlockFolder } from './folder.ts';
import { keptOptions } from './options.ts';
import { recordChildren } from './stale-children.ts';

/** What `npm run dev` and `npm run demo` run. */
export interface KeptStack extends Stack {
  worker: Child;
}

export interface StackOptions {
  /** Whether the sandbox also plays platforms whose credentials are set. */
  sandboxAlways: boolean;
}

/** Processes that need others stop before them. */
const STOP_ORDER = ['server', 'worker', 'sandbox', 'temporal', 'postgres'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Starts everything, runs `use`, then stops everything: even after Ctrl-C, and if one of the processes crashes. */
export async function withStack<T>(
  { sandboxAlways }: StackOptions,
  use: (stack: KeptStack) => Promise<T>,
): Promise<T> {
  const children: Child[] = [];
  const ending = new AbortController();
  const trouble = Promise.withResolvers<never>();

  const keeper: Keeper = {
    logFile: (role) => join(folder, 'logs', `${role}.log`),
    async keep(_role, startOne) {
      const child = await startOne();
      children.push(child);
      void watchForCrash(child);
      ending.signal.throwIfAborted();
      await recordChildren(children);
      return child;
    },
  };
  const watchForCrash = async (child: Child): Promise<void> => {
    const how = await child.exited;
    if (ending.signal.aborted) return;
    say(`${child.name} ended unexpectedly (${how}): ending the others`);
    trouble.reject(crash(child, how));
  };
  const interrupt = (): void => {
    say(ending.signal.aborted ? 'Ending already' : `Ending: ${STOP_ORDER.join(', ')}`);
    trouble.reject(new Interrupted('interrupted'));
  };

  await lockFolder();
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const starting = keptOptions(sandboxAlways).then((options) =>
    start({ ...options, keeper, signal: ending.signal }),
  );
  const used = starting.then((stack) => {
    ending.signal.throwIfAborted();
    const worker = children.find(({ name }) => name === 'worker');
    if (worker === undefined) throw new Error('there is no worker');
    return use({ ...stack, worker });
  });
  try {
    return await Promise.race([trouble.promise, used]);
  } finally {
    ending.abort();
    await during('Ending', stopAll(children, starting));
    unlockFolder();
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

async function stopAll(children: readonly Child[], starting: Promise<unknown>): Promise<void> {
  const stopInOrder = async (): Promise<void> => {
    for (const name of STOP_ORDER)
      await Promise.all(children.filter((child) => child.name === name).map((child) => child.stop()));
  };
  await stopInOrder();
  await starting.catch(() => {});
  await stopInOrder(); // processes that were still starting
}

function crash(child: Child, how: string): Error {
  return new Error(
    `${child.name} ended unexpectedly (${how}). Its last lines (${child.logFile}):\n${child.logTail()}`,
  );
}
