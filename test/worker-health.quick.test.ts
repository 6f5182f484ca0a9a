import { Gauge } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { registry } from '../metrics/registry.ts';
import { serveMetrics } from '../metrics/serve.ts';
import { freePort } from '../stack/ports.ts';
import { deadPollers } from '../temporal/pollers.ts';

/* A worker's `/livez` as its supervisor sees it. */

const POLLING = {
  runState: 'RUNNING',
  workflowPollerState: 'POLLING',
  activityPollerState: 'POLLING',
} as const;

test.for([
  ['that runs and polls', POLLING, null],
  ['that is about to run', { ...POLLING, runState: 'INITIALIZED' }, null],
  [
    'that ends in order',
    { runState: 'DRAINING', workflowPollerState: 'SHUTDOWN', activityPollerState: 'POLLING' },
    null,
  ],
  [
    'whose activities are polled no more',
    { ...POLLING, activityPollerState: 'FAILED' },
    'the worker no longer polls for activities',
  ],
  [
    'that polls nothing',
    { ...POLLING, workflowPollerState: 'FAILED', activityPollerState: 'SHUTDOWN' },
    'the worker no longer polls for workflows and activities',
  ],
  ['that has failed', { ...POLLING, runState: 'FAILED' }, 'the worker has failed'],
] as const)('A worker %s: %o is reported as %s.', ([, status, problem]) => {
  expect(deadPollers(status)).toBe(problem);
});

test('A worker that cannot go on answers 503 with the reason, and 200 while it can.', async () => {
  let problem: string | null = null;
  const port = await freePort();
  const served = await serveMetrics({ port, host: '127.0.0.1', problem: () => problem });
  onTestFinished(() => served.close());
  const ask = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/livez`);
    return [answer.status, await answer.json()];
  };
  expect(await ask()).toEqual([200, { status: 'ok' }]);
  problem = 'the worker has failed';
  expect(await ask()).toEqual([503, { status: 'dead', message: problem }]);
});

test('A metric that throws is a 500, and the next scrape works.', async () => {
  let fails = true;
  const name = 'everpost_test_gauge';
  const gauge = new Gauge({
    name,
    help: 'Of a test.',
    registers: [registry],
    collect() {
      if (fails) throw new Error('not now');
      this.set(1);
    },
  });
  onTestFinished(() => registry.removeSingleMetric(name));
  const port = await freePort();
  const served = await serveMetrics({ port, host: '127.0.0.1', problem: () => null });
  onTestFinished(() => served.close());
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(500);
  fails = false;
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain(`${name} 1`);
  expect(await gauge.get()).toMatchObject({ name });
});
