import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { peakMemory, resetPeakMemory } from '../stack/peak-memory.ts';
import { HOSTILE } from '../test/hostile-media.ts';
import { settledMemory } from './memory.ts';
import type { Row } from './report.ts';
import type { Api } from '../stack/client.ts';
import { sendBytes } from '../stack/upload.ts';
import { withStack } from './stack.ts';
import { newTenant } from './tenant.ts';

const GROWTH_BUDGET_MB = 64;
const INSPECTOR_BUDGET_MB = 256;
const LOOK_MS = 50;
const PATIENCE_MS = 15 * 60_000;
const NewMedia = Type.Object({ id: Type.String(), uploadUrl: Type.String() });
const Media = Type.Object({ state: Type.String() });

/**
 * Uploads every hostile file of the tests, one after the other, and measures the peak memory of the worker and its
 * inspectors.
 */
export async function hostile(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const { api, key } = await newTenant(stack);
    const { pid } = stack.worker;
    const before = (await settledMemory(pid))?.total ?? Number.NaN;
    resetPeakMemory(pid);
    const { mostMb, stop } = watchInspectors(pid);
    const ids: string[] = [];
    try {
      for (const [name, make] of Object.entries(HOSTILE)) ids.push(await send(api, key, name, make()));
      say(`${ids.length} files sent`);
      for (const id of ids) await untilRejected(api, id);
    } finally {
      stop();
    }
    const growth = (peakMemory(pid) ?? Number.NaN) - Math.round(before / 1e6);
    return [
      {
        name: `worker memory while ${ids.length} hostile files are examined, at most (VmHWM), over idle`,
        measured: `+${growth} MB`,
        budget: `+${GROWTH_BUDGET_MB} MB`,
        ok: growth <= GROWTH_BUDGET_MB,
      },
      {
        name: 'memory of the process that looks into one of them, at most',
        measured: `${mostMb()} MB`,
        budget: `${INSPECTOR_BUDGET_MB} MB`,
        ok: mostMb() > 0 && mostMb() <= INSPECTOR_BUDGET_MB,
      },
    ];
  });
}

async function send(api: Api, key: string, filename: string, bytes: Buffer): Promise<string> {
  const media = await api.post(
    '/api/media',
    { filename, contentType: 'application/octet-stream', size: bytes.length },
    NewMedia,
  );
  await sendBytes(media.uploadUrl, key, bytes, bytes.length);
  return media.id;
}

async function untilRejected(api: Api, id: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while ((await api.get(`/api/media/${id}`, Media)).state !== 'rejected') {
    if (Date.now() > end) throw new Error(`the hostile file ${id} was not rejected in time`);
    await sleep(LOOK_MS);
  }
}

/** Watches the inspectors of a worker until stopped: the peak memory of one of them, in MB. */
function watchInspectors(worker: number): { mostMb: () => number; stop: () => void } {
  let most = 0;
  const timer = setInterval(() => {
    for (const name of readdirSync('/proc'))
      if (isInspector(name, worker)) most = Math.max(most, peakMemory(Number(name)) ?? 0);
  }, LOOK_MS);
  return { mostMb: () => most, stop: () => clearInterval(timer) };
}

function isInspector(name: string, parent: number): boolean {
  try {
    const [, ppid] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
    return Number(ppid) === parent && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('inspector.ts');
  } catch {
    return false;
  }
}
