import type { PostError } from './schema.ts';

/** Repeats parts of `error` in columns, for users who query the tables. */
export function errorColumns(error: PostError | null) {
  return { errorCode: error?.code ?? null, errorMessage: error?.message ?? null };
}
