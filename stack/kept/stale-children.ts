import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Child } from '../child.ts';
import { fingerprint } from '../fingerprint.ts';
import { keep, readKept } from './folder.ts';

const FILE = 'children.json';
const Records = Type.Array(
  Type.Object({ name: Type.String(), pid: Type.Integer(), fingerprint: Type.String() }),
);

export async function recordChildren(children: readonly Child[]): Promise<void> {
  const records = children.map(async ({ name, pid }) => ({ name, pid, fingerprint: await fingerprint(pid) }));
  keep(FILE, JSON.stringify(await Promise.all(records)));
}

/**
 * A killed start may have left processes that are still ending, or that nobody stopped. They are stopped only if they
 * are still the same programs: process ids are reused.
 */
export async function endStaleChildren(say: (line: string) => void): Promise<void> {
  const text = readKept(FILE);
  const records: unknown = text === null ? [] : JSON.parse(text);
  if (!Value.Check(Records, records)) return;
  for (const { name, pid, fingerprint: recorded } of records) {
    const isSame = async (): Promise<boolean> => recorded !== '' && (await fingerprint(pid)) === recorded;
    if (!(await isSame())) continue;
    say(`ending the ${name} that an earlier start left behind (process ${pid})`);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
      if (await isSame()) process.kill(pid, signal);
      for (let waited = 0; waited < 5_000 && (await isSame()); waited += 50) await sleep(50);
    }
  }
}
