import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { peakMemory, resetPeakMemory } from '../scripts/peak-memory.ts';
import { HOSTILE } from '../test/hostile-media.ts';
import { settledMemory } from './memory.ts';
import type { Row } from './report.ts';
import { type Stack, withStack } from './stack.ts';
import { newTenant } from './tenant.ts';

const GROWTH_BUDGET_MB = 64;
const INSPECTOR_BUDGET_MB = 256;
const LOOK_MS = 50;
const PATIENCE_MS = 15 * 60_000;
const NewMedia = Type.Object({ id: Type.String(), uploadUrl: Type.String() });
const Media = Type.Object({ state: Type.String() });

/** Every file of the tests that is made to hurt a worker, one after the other: what it and its inspectors hold at most. */
export async function hostile(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const { api, key } = await newTenant(stack);
    const { pid } = stack.worker;
    const before = (await settledMemory(pid))?.total ?? Number.NaN;
    resetPeakMemory(pid);
    const ids: string[] = [];
    for (const [name, make] of Object.entries(HOSTILE)) {
      const bytes = make();
      const contentType = 'application/octet-stream';
      const media = await api.post(
        '/api/media',
        { filename: name, contentType, size: bytes.length },
        NewMedia,
      );
      const headers = {
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
        authorization: `Bearer ${key}`,
      };
      await fetch(media.uploadUrl, { method: 'PATCH', headers, body: new Uint8Array(bytes) });
      ids.push(media.id);
    }
    say(`${ids.length} files sent`);
    const inspectorMb = await watchInspectors(stack, async () => {
      const states = await Promise.all(
        ids.map(async (id) => (await api.get(`/api/media/${id}`, Media)).state),
      );
      return states.every((state) => state === 'rejected');
    });
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
        measured: `${inspectorMb} MB`,
        budget: `${INSPECTOR_BUDGET_MB} MB`,
        ok: inspectorMb <= INSPECTOR_BUDGET_MB,
      },
    ];
  });
}

/** The most that any of a worker's inspectors held, until all is done, in MB. */
async function watchInspectors({ worker }: Stack, isDone: () => Promise<boolean>): Promise<number> {
  const end = Date.now() + PATIENCE_MS;
  let most = 0;
  for (let looks = 1; ; looks += 1) {
    for (const name of readdirSync('/proc'))
      if (isInspector(name, worker.pid)) most = Math.max(most, peakMemory(Number(name)) ?? 0);
    if (looks % 40 === 0 && (await isDone())) return most;
    if (Date.now() > end) throw new Error('the hostile files were not all rejected in time');
    await sleep(LOOK_MS);
  }
}

function isInspector(name: string, parent: number): boolean {
  try {
    const [, ppid] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
    return Number(ppid) === parent && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('inspector.ts');
  } catch {
    return false;
  }
}
