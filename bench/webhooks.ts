import { countEvents, type LoadResult, sendWebhooks, startBare } from './webhook-load.ts';
import { until } from './until.ts';
import { processorMs } from './processor.ts';
import type { Row } from './report.ts';
import { withStack } from './stack.ts';
import { median, ms, perSecond, spread } from './stats.ts';

const ROUNDS = 3;
const OFFERED = { rate: 500, count: 5_000, connections: 64 };
const FULL = { count: 8_000, connections: 32 };
/** Sent before the clock starts, so that no code runs for the first time. */
const WARM_UP = { count: 200, connections: 8, rate: 50 };

interface Measured extends LoadResult {
  /** Processor time of the server for each webhook; null if the system does not report it. */
  cost: number | null;
  /** The number of workflows started when the last webhook was answered. */
  started: number;
}

/** Webhook intake: latency at a fixed offered load, and maximum throughput. */
export async function webhooks(say: (line: string) => void): Promise<Row[]> {
  const bare: Record<'offered' | 'full', Measured[]> = { offered: [], full: [] };
  const ours: Record<'offered' | 'full', Measured[]> = { offered: [], full: [] };
  for (let round = 1; round <= ROUNDS; round += 1)
    for (const [kind, shape] of [['offered', OFFERED] as const, ['full', FULL] as const]) {
      const both = await pair(shape);
      bare[kind].push(both.bare);
      ours[kind].push(both.ours);
      say(`${kind} ${round}: bare ${told(both.bare)}; ours ${told(both.ours)}, ${both.ours.started} started`);
    }
  const of = (results: Measured[], key: 'p50' | 'p99' | 'perSecond'): number[] =>
    results.map((result) => result[key]);
  const costs = (results: Measured[]): number[] => results.map(({ cost }) => cost ?? Number.NaN);
  const refused = [...ours.offered, ...ours.full].reduce((sum, result) => sum + result.refused, 0);
  const ratio = median(of(ours.full, 'perSecond')) / median(of(bare.full, 'perSecond'));
  const p99 = median(of(ours.offered, 'p99'));
  const latency = (key: 'p50' | 'p99'): Omit<Row, 'name'> => ({
    measured: spread(of(ours.offered, key), ms),
    floor: spread(of(bare.offered, key), ms),
    ratio: median(of(ours.offered, key)) / median(of(bare.offered, key)),
  });
  return [
    { name: `webhook to 200, ${OFFERED.rate}/s offered, p50`, ...latency('p50') },
    {
      name: `webhook to 200, ${OFFERED.rate}/s offered, p99`,
      ...latency('p99'),
      budget: '<= 25 ms',
      ok: p99 <= 25,
    },
    {
      name: `webhooks a second, ${FULL.connections} connections`,
      measured: spread(of(ours.full, 'perSecond'), perSecond),
      floor: spread(of(bare.full, 'perSecond'), perSecond),
      ratio,
      budget: 'ratio >= 0.7',
      ok: ratio >= 0.7,
    },
    {
      name: 'processor time of the server for a webhook, starting its workflow included',
      measured: spread(costs(ours.full), (value) => `${value.toFixed(2)} ms`),
      floor: spread(costs(bare.full), (value) => `${value.toFixed(2)} ms`),
      ratio: median(costs(ours.full)) / median(costs(bare.full)),
    },
    {
      name: `workflows started when the last of ${OFFERED.count} was answered`,
      measured: spread(
        ours.offered.map(({ started }) => started),
        String,
      ),
    },
    { name: 'webhooks that were not answered 200', measured: String(refused) },
  ];
}

/** Measures the bare server and then ours, in a separate stack: the work left behind the answers ends with it. */
async function pair(shape: {
  count: number;
  connections: number;
  rate?: number;
}): Promise<{ bare: Measured; ours: Measured }> {
  return withStack({}, async (stack) => {
    const bareServer = await startBare(stack);
    const measure = async (url: string, pid: number, tag: string): Promise<Measured> => {
      await sendWebhooks(stack, url, `${tag}-first`, WARM_UP);
      await until('the first to be applied', 60_000, async () => {
        const { stored, applied } = await countEvents(stack);
        return stored === applied || null;
      });
      const startedBefore = (await countEvents(stack)).started;
      const before = processorMs(pid);
      const result = await sendWebhooks(stack, url, tag, shape);
      const after = processorMs(pid);
      const cost = before === null || after === null ? null : (after - before) / shape.count;
      return { ...result, cost, started: (await countEvents(stack)).started - startedBefore };
    };
    const bare = await measure(bareServer.url, bareServer.pid, 'bare');
    const ours = await measure(`${stack.apiUrl}/api/webhooks/tiktok`, stack.server.pid, 'ours');
    return { bare, ours };
  });
}

function told(result: Measured): string {
  return `${perSecond(result.perSecond)} p50 ${ms(result.p50)} p99 ${ms(result.p99)} max ${ms(result.max)} cost ${result.cost?.toFixed(2)} ms`;
}
