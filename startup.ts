import process from 'node:process';
import { withoutValues } from './db/failures.ts';

/** The process cannot start, or go on, until its operator has changed something; the message says what. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}

/**
 * Prints to standard error why a process ends: one sentence for the operator's mistakes and the system's errors, a
 * stack trace for our own bugs. The process then ends with exit code 1.
 */
export function tellFailure(error: unknown): void {
  process.exitCode = 1;
  process.stderr.write(`${sentence(error)}\n`);
}

function sentence(error: unknown): string {
  if (error instanceof StartError) return error.message;
  if (error instanceof Error && 'syscall' in error) return `Everpost cannot go on: ${error.message}`;
  const told = withoutValues(error);
  return told.stack ?? told.message;
}
