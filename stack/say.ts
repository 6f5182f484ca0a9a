/** The console: plain lines; on a terminal the last line shows the current work. */
const terminal = process.stdout.isTTY && process.stdout.columns > 0;
const underWay = new Map<symbol, { what: () => string; since: number; saidAt: number }>();
let ticker: NodeJS.Timeout | undefined;

export function say(line = ''): void {
  if (terminal) process.stdout.write('\r\u001B[K');
  console.log(line);
  if (terminal) showStatus();
}

/**
 * Waits for the work; if it takes more than a second, reports that it is still running. The caller concludes a changing
 * text.
 */
export async function during<T>(what: string | (() => string), work: Promise<T>): Promise<T> {
  const key = Symbol('work');
  const text = typeof what === 'string' ? () => what : what;
  const since = Date.now();
  underWay.set(key, { what: text, since, saidAt: since });
  ticker ??= setInterval(terminal ? showStatus : sayOverdue, terminal ? 100 : 250);
  let failed = true;
  try {
    const result = await work;
    failed = false;
    return result;
  } finally {
    underWay.delete(key);
    if (underWay.size === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
    const took = Date.now() - since;
    if (took >= 1_000 && typeof what === 'string')
      say(`${text()}: ${failed ? 'failed' : 'done'} (${seconds(took)})`);
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** After one second, and then every five. */
function sayOverdue(): void {
  const now = Date.now();
  for (const task of underWay.values()) {
    const due = task.saidAt === task.since ? task.since + 1_000 : task.saidAt + 5_000;
    if (now < due) continue;
    say(`${task.what()} ... ${seconds(now - task.since)}`);
    task.saidAt = now;
  }
}

function showStatus(): void {
  const tasks = [...underWay.values()].filter(({ since }) => Date.now() - since >= 1_000);
  if (tasks.length === 0) return;
  const text = tasks.map(({ what, since }) => `${what()} ... ${seconds(Date.now() - since)}`).join(', ');
  process.stdout.write(`\r\u001B[K${text.slice(0, process.stdout.columns - 1)}`);
}
