import { activityInfo, cancellationSignal, Context, heartbeat } from '@temporalio/activity';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

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

/** The number of this try of the activity, starting with 1. */
export function tryNumber(): number {
  return activityInfo().attempt;
}

/**
 * How many tries of this activity in a row have met the same problem, including this one. The heartbeat passes the
 * count on.
 */
export function timesInARow(what: string): number {
  const { heartbeatDetails: row } = activityInfo();
  const times = Value.Check(Row, row) && row.what === what ? row.times + 1 : 1;
  heartbeat({ what, times });
  return times;
}

/** Resets the count: this try has met no problem. */
export function endRow(): void {
  if (Value.Check(Row, activityInfo().heartbeatDetails)) heartbeat(null);
}

const Row = Type.Object({ what: Type.String(), times: Type.Integer() });

/**
 * A signal for work that a cancellation must not interrupt halfway, because its outcome would be unknown. Only the end
 * of the worker, or the activity's timeout, aborts it.
 */
export function uninterruptedSignal(): AbortSignal {
  const controller = new AbortController();
  const context = Context.current();
  context.cancellationSignal.addEventListener('abort', () => {
    if (context.cancellationDetails?.cancelRequested !== true) controller.abort();
  });
  return controller.signal;
}
