import type { Child } from './child.ts';
import { lockFolder, unlockFolder } from './kept/folder.ts';
import { during, say } from './say.ts';
import { recordChildren } from './kept/stale-children.ts';
import { startStack, type Stack, type StackOptions } from './start.ts';

/** Who needs others ends before them. */
const STOP_ORDER = ['server', 'worker', 'sandbox', 'temporal', 'postgres'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class Interrupted extends Error {}

/** Everything up, then `use`, then everything down again: also after Ctrl-C, and when one of the processes crashes. */
export async function withStack<T>(options: StackOptions, use: (stack: Stack) => Promise<T>): Promise<T> {
  const children: Child[] = [];
  const ending = new AbortController();
  const trouble = Promise.withResolvers<never>();

  const adopt = async <Started extends { child: Child }>(starting: Promise<Started>): Promise<Started> => {
    const started = await starting;
    const { child } = started;
    children.push(child);
    void watchForCrash(child);
    ending.signal.throwIfAborted();
    await recordChildren(children);
    return started;
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
  const starting = startStack(options, adopt, ending.signal);
  const used = starting.then((stack) => {
    ending.signal.throwIfAborted();
    return use(stack);
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
  await stopInOrder(); // what was still starting
}

function crash(child: Child, how: string): Error {
  return new Error(
    `${child.name} ended unexpectedly (${how}). Its last lines (${child.logFile}):\n${child.logTail()}`,
  );
}
