import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { Mismatch, parse, parseText } from '../core/json.ts';
import type { TikTok } from './context.ts';
import { refuse } from './envelope.ts';

/** Parses a request body; an invalid one is `invalid_params`, naming the first problem. */
export function readBody<S extends TSchema>(tiktok: TikTok, schema: S, text: string): Static<S> {
  return orInvalid(tiktok, () => {
    if (!tiktok.options.ignoreUnknownFields) return parseText(schema, text);
    const input: unknown = JSON.parse(text);
    return parse(schema, Value.Clean(schema, input));
  });
}

export function readPart<S extends TSchema>(tiktok: TikTok, schema: S, part: unknown): Static<S> {
  return orInvalid(tiktok, () =>
    parse(schema, tiktok.options.ignoreUnknownFields ? Value.Clean(schema, structuredClone(part)) : part),
  );
}

function orInvalid<T>(tiktok: TikTok, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Mismatch || error instanceof SyntaxError) {
      return refuse(tiktok, 400, 'invalid_params', error.message);
    }
    throw error;
  }
}
