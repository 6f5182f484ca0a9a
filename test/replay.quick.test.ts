import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkflowBundle,
} from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import { PROVIDER_NAMES } from '../providers/provider.ts';

/*
 * Open posts must continue under a new version: today's workflows must still decide like the recorded ones. After an
 * intended change see test/conformance/record.ts.
 */

const FOLDER = new URL('histories/', import.meta.url);
const path = (file: string): string => fileURLToPath(new URL(`../workflows/${file}`, import.meta.url));
const recorded = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  // Otherwise both halves of the SDK would print what the tests report.
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: path('index.ts'),
    workflowInterceptorModules: [path('interceptors.ts')],
    logger: new DefaultLogger('WARN'),
  });
});

/** The SDK's complaint about a history; null: it replays. */
async function replay(name: string, json: string): Promise<string | null> {
  const histories = [{ workflowId: `post:${name}`, history: historyFromJSON(JSON.parse(json)) }];
  for await (const { error } of Worker.runReplayHistories({ workflowBundle }, histories))
    return error?.message ?? null;
  throw new Error('nothing was replayed');
}

test.each(recorded)('%s replays', async (name) => {
  expect(await replay(name, read(name))).toBeNull();
});

test.each([...PROVIDER_NAMES])('there are histories of %s', (provider) => {
  const named = recorded.filter((name) => name.startsWith(`${provider}-`));
  expect(named).toEqual(expect.arrayContaining([`${provider}-scheduled.json`, `${provider}-cancelled.json`]));
  expect(named.length).toBeGreaterThan(2);
});

test('a workflow that decides otherwise is noticed', async () => {
  const other = read('tiktok-a-file.json').replaceAll('"name": "performWrite"', '"name": "transferMedia"');
  expect(await replay('tiktok-a-file.json', other)).toMatch(/nondeterminism|TMPRL1100/i);
});
