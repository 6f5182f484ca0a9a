import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * One process of the stack. It gets its own session, so that Ctrl-C in a terminal reaches only us and we can stop the
 * others in order; its output goes straight to a file, so that the console stays readable.
 */
export interface Child {
  name: string;
  pid: number;
  logFile: string;
  /** Describes how it ended, for example "exit code 1"; never rejects. */
  exited: Promise<string>;
  isRunning(): boolean;
  logTail(lines?: number): string;
  /** Asks it to stop, and kills it if it does not. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  name: string;
  /** The program and its arguments. */
  command: readonly string[];
  logFile: string;
  env: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** The signal that asks this program to stop. */
  stopSignal?: NodeJS.Signals;
  killAfterMs?: number;
}

export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, logFile, env, cwd, uid, gid } = options;
  const [program = '', ...args] = options.command;
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  mkdirSync(dirname(logFile), { recursive: true });
  // Emptied, then opened for appending: the process does not overwrite what others add.
  writeFileSync(logFile, '', { mode: 0o600 });
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(program, args, {
    env,
    detached: true,
    stdio: ['ignore', log, log],
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.once('error', (error) => resolve(error.message));
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${name} could not be started: ${await ended}`);

  let running = true;
  const endWatch = watchOver(pid, stopSignal);
  const exited = ended.then((how) => {
    running = false;
    endWatch();
    return how;
  });
  return {
    name,
    pid,
    logFile,
    exited,
    isRunning: () => running,
    logTail: (lines = 20) => logTail(logFile, lines),
    async stop() {
      if (!running) return;
      child.kill(stopSignal);
      const limit = new AbortController();
      const overdue = sleep(options.killAfterMs ?? 15_000, 'overdue', { signal: limit.signal });
      if ((await Promise.race([exited, overdue.catch(() => '')])) === 'overdue') child.kill('SIGKILL');
      limit.abort();
      await exited;
    },
  };
}

/** Ends it with SIGKILL: nothing of it is kept. */
export async function endNow(child: Child): Promise<void> {
  if (child.isRunning()) process.kill(child.pid, 'SIGKILL');
  await child.exited;
}

function logTail(logFile: string, lines: number): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * A shell that waits on a pipe of ours. If we are killed without a chance to clean up, the pipe closes and the shell
 * stops the child. Returns a function that dismisses it.
 */
function watchOver(pid: number, signal: NodeJS.Signals): () => void {
  const watchdog = spawn(
    '/bin/sh',
    ['-c', 'read -r _ || kill -s "$1" "$2"', 'sh', signal.slice(3), `${pid}`],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  );
  watchdog.on('error', () => {});
  watchdog.stdin.on('error', () => {});
  watchdog.unref();
  return () => watchdog.stdin.end('done\n');
}
