import { join } from 'node:path';
import process from 'node:process';
import { ROOT } from '../stack/checkout.ts';
import { run } from '../stack/run.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Row } from './report.ts';
import { bareEnvironment } from '../stack/settings.ts';
import { median, spread } from './stats.ts';

const RUNS = 3;
const BUDGET_S = 20;

/** `npm run demo` in a new folder, with Temporal already downloaded. */
export async function demo(say: (line: string) => void): Promise<Row[]> {
  const seconds: number[] = [];
  for (let round = 1; round <= RUNS; round += 1) {
    const parent = mkdtempSync(join(tmpdir(), 'everpost-bench-demo-'));
    try {
      const since = performance.now();
      const env = { ...bareEnvironment, EVERPOST_DIR: join(parent, 'everpost') };
      await run([process.execPath, join(ROOT, 'scripts/demo.ts')], { env });
      seconds.push((performance.now() - since) / 1000);
      say(`${round}: ${seconds.at(-1)?.toFixed(1)} s`);
    } finally {
      rmSync(parent, { recursive: true, force: true });
    }
  }
  return [
    {
      name: '`npm run demo`, from start to end',
      measured: spread(seconds, (value) => `${value.toFixed(1)} s`),
      budget: `<= ${BUDGET_S} s`,
      ok: median(seconds) <= BUDGET_S,
    },
  ];
}
