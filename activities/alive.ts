import { activityInfo, cancellationSignal, Context, heartbeat } from '@temporalio/activity';

const BEAT_MS = 4000;

/** Heartbeats while `work` runs, so that a dead worker is noticed and a cancellation arrives. */
export async function alive<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), BEAT_MS);
  try {
    return await work(cancellationSignal());
  } finally {
    clearInterval(timer);
  }
}

/** Which try of the activity this is, from 1. */
export function tryNumber(): number {
  return activityInfo().attempt;
}

/**
 * A signal for work that a cancelled workflow must not interrupt halfway, because its outcome could not be told any
 * more. Only the end of the worker, or of the activity's time, aborts it.
 */
export function uninterruptedSignal(): AbortSignal {
  const controller = new AbortController();
  const context = Context.current();
  context.cancellationSignal.addEventListener('abort', () => {
    if (context.cancellationDetails?.cancelRequested !== true) controller.abort();
  });
  return controller.signal;
}
