import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';

declare global {
  interface JSON {
    /** Node 24 has it; the compiler's library does not know it yet. */
    rawJSON(text: string): unknown;
  }
}

/** Like JSON.stringify, but a bigint becomes a JSON number with all its digits. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? JSON.rawJSON(String(item)) : item,
  );
}

export class Mismatch extends Error {}

/** Fills in defaults, coerces nothing, and names the first problem. */
export function parse<S extends TSchema>(schema: S, input: unknown): Static<S> {
  const value = Value.Default(schema, structuredClone(input));
  if (Value.Check(schema, value)) return value;
  const [problem] = Value.Errors(schema, value);
  throw new Mismatch(`${problem?.instancePath || 'body'}: ${problem?.message ?? 'invalid'}`);
}

export function parseText<S extends TSchema>(schema: S, text: string): Static<S> {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new Mismatch('body: not JSON');
  }
  return parse(schema, input);
}

/** Changes some fields of settings in place, or none when one of them is wrong. */
export function patch<S extends TSchema>(schema: S, target: object, changes: object): Static<S> {
  return Object.assign(target, parse(schema, { ...target, ...changes }));
}
