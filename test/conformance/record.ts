import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { format, resolveConfig } from 'prettier';

/**
 * With RECORD_HISTORIES=1, stores a history as `test/histories/<name>.json`, which test/replay.quick.test.ts replays.
 * Do this after an intended change of a workflow, once no post of the old version is open any more; while such posts
 * are open, put the change behind `patched()` and keep the old files.
 */
export async function record(name: string, history: History): Promise<void> {
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  // The machine's name is private.
  const json = historyToJSON(history).replaceAll(`@${hostname()}`, '@recorder');
  const filepath = fileURLToPath(
    new URL(`../histories/${name.replaceAll(/[^\w]+/g, '-')}.json`, import.meta.url),
  );
  writeFileSync(filepath, await format(json, { ...(await resolveConfig(filepath)), filepath }));
}
