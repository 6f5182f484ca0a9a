import { runningWorkflows } from '../temporal/start.ts';
import type { Deps } from './deps.ts';

/* How the sweep processes rows. */

const AT_ONCE = 10;

/**
 * Processes a few at a time, and continues after failures: the next sweep tries those again. @throws the first failure,
 * at the end
 */
export async function forEach<T>(rows: readonly T[], act: (row: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (let first = 0; first < rows.length; first += AT_ONCE)
    for (const result of await Promise.allSettled(rows.slice(first, first + AT_ONCE).map(act)))
      if (result.status === 'rejected') failures.push(result.reason);
  if (failures.length > 0) throw failures[0];
}

/**
 * Restarts missing workflows.
 * @param mark records the rows whose workflow runs, so that others get their turn
 * @returns how many were missing
 * @throws the first failure, after the others were started and marked
 */
export async function startLost<Row extends { id: string }>(
  temporal: Deps['temporal'],
  rows: readonly Row[],
  workflowIdOf: (row: Row) => string,
  start: (row: Row) => Promise<boolean>,
  mark: (ids: string[]) => Promise<void>,
): Promise<number> {
  if (rows.length === 0) return 0;
  const running = await runningWorkflows(temporal, rows.map(workflowIdOf));
  const looked = rows.filter((row) => running.has(workflowIdOf(row))).map(({ id }) => id);
  let lost = 0;
  try {
    await forEach(
      rows.filter((row) => !running.has(workflowIdOf(row))),
      async (row) => {
        if (await start(row)) lost += 1;
        looked.push(row.id);
      },
    );
  } finally {
    await mark(looked);
  }
  return lost;
}
