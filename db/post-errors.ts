import type { PostError } from './schema.ts';

/** The columns beside `error` that repeat it, for those who query the tables. */
export function errorColumns(error: PostError | null) {
  return { errorCode: error?.code ?? null, errorMessage: error?.message ?? null };
}
