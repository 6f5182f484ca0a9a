import { environment } from './environment.ts';

/** Every TEMPORAL_ variable that we were started with, unset. */
export function withoutTemporal(): Record<string, undefined> {
  const names = Object.keys(environment).filter((name) => name.startsWith('TEMPORAL_'));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}
