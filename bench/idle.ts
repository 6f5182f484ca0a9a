import { settledMemory, type Memory } from './memory.ts';
import type { Row } from './report.ts';
import { withStack } from './stack.ts';
import { median, megabytes, spread } from './stats.ts';

const RUNS = 3;
const BUDGET = 250e6;

/** The memory of an idle worker. */
export async function idle(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const found: Memory[] = [];
    for (let run = 1; run <= RUNS; run += 1) {
      if (run > 1) await stack.restart('worker');
      await stack.untilReady();
      const memory = await settledMemory(stack.worker.pid);
      if (memory === null) return [{ name: 'worker memory, idle', measured: 'unknown on this system' }];
      found.push(memory);
      say(`worker: ${megabytes(memory.total)}, ${megabytes(memory.own)} of them its own`);
    }
    const server = await settledMemory(stack.server.pid);
    const total = found.map((memory) => memory.total);
    return [
      {
        name: 'worker memory, idle (RSS)',
        measured: spread(total, megabytes),
        budget: '<= 250 MB',
        ok: median(total) <= BUDGET,
      },
      {
        name: 'of these: its own (RssAnon), and pages of files (RssFile)',
        measured: `${megabytes(median(found.map(({ own }) => own)))}, ${megabytes(median(found.map(({ files }) => files)))}`,
      },
      { name: 'server memory, idle (RSS)', measured: server === null ? 'unknown' : megabytes(server.total) },
    ];
  });
}
