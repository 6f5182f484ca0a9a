import { readFileSync, writeFileSync } from 'node:fs';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

/* Seeds that once failed, kept to be run again. */

const FILE = new URL('./regressions.json', import.meta.url);
const Regressions = Type.Array(
  Type.Object({ seed: Type.Integer(), publishes: Type.Integer(), what: Type.String() }),
);

/** All that were kept. */
export function regressions(): Static<typeof Regressions> {
  return Value.Parse(Regressions, JSON.parse(readFileSync(FILE, 'utf8')));
}

/** Keeps a seed that has failed, once. */
export function keepRegression(seed: number, publishes: number, what: string): void {
  const kept = regressions();
  if (kept.some((one) => one.seed === seed && one.publishes === publishes)) return;
  writeFileSync(FILE, `${JSON.stringify([...kept, { seed, publishes, what }], null, 2)}\n`);
}
