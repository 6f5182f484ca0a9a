import process from 'node:process';
import { endNow, startChild, type Child } from '../stack/child.ts';
import { ROOT } from '../stack/checkout.ts';
import { type OwnOptions, type OwnStack, startOwn } from '../stack/own.ts';
import { untilApiReady } from '../stack/readiness.ts';

/**
 * A whole Everpost: one server and one worker started as in production, PostgreSQL and Temporal as in `npm run dev`.
 */
export interface Stack extends OwnStack {
  readonly server: Child;
  readonly worker: Child;
  /** Kills a process with SIGKILL and restarts it. */
  restart(role: 'server' | 'worker'): Promise<void>;
  /** Starts one more process, which ends with the stack. */
  run(name: string, command: readonly string[]): Promise<Child>;
  untilReady(): Promise<void>;
}

export type StackOptions = Pick<OwnOptions, 'timeSkipping' | 'settings'>;

/** Starts a stack in a temporary folder, uses it, and removes everything. */
export async function withStack<T>(options: StackOptions, use: (stack: Stack) => Promise<T>): Promise<T> {
  const more: Child[] = [];
  const starting = startOwn({
    name: 'bench',
    sandbox: { tiktok: { processingMs: 0, moderationMs: 0 } },
    ...options,
  });
  const stopAll = async (): Promise<void> => {
    await Promise.all(more.map(endNow));
    await starting.then(({ stop }) => stop()).catch(() => {});
  };
  let stopping: Promise<void> | undefined;
  // Ctrl-C also fails the current work: both exits wait for the same shutdown.
  const stop = (): Promise<void> => (stopping ??= stopAll());
  const interrupt = (): void => void stop().finally(() => process.exit(130));
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  try {
    return await use(benchStack(await starting, more));
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    await stop();
  }
}

function benchStack(stack: OwnStack, more: Child[]): Stack {
  const { fleet, apiUrl, settings } = stack;
  return {
    ...stack,
    get server() {
      return fleet.child('server');
    },
    get worker() {
      return fleet.child('worker');
    },
    async restart(role) {
      await fleet.kill(role, 0, 0);
    },
    async run(name, command) {
      const logFile = `${stack.dir}/logs/${name}.log`;
      const child = await startChild({ name, command, cwd: ROOT, logFile, env: { ...settings } });
      more.push(child);
      return child;
    },
    untilReady: () => untilApiReady(apiUrl, AbortSignal.timeout(120_000)),
  };
}
