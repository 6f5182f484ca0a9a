import type { CodeTable } from '../about.ts';
import { META_CODES, META_NAMES, type MetaRow } from './codes.ts';

/** The meaning of the error codes that Meta's platforms share, for the docs. */
export const ERROR_TABLE: CodeTable = {
  head: ['Meta’s code', 'code'],
  rows: [...Object.entries(META_CODES).toSorted(byNumbers), ...Object.entries(META_NAMES)].map(
    ([theirs, row]) => ({ names: [theirs === '200' ? '200` to `299' : theirs, row.code], meaning: row }),
  ),
};

/** By code, then by subcode; any code (`*`) comes last. */
function byNumbers([a]: [string, MetaRow], [b]: [string, MetaRow]): number {
  const [one, two] = [a, b].map((key) => key.split('/').map((part) => (part === '*' ? 1e9 : Number(part))));
  return (one?.[0] ?? 0) - (two?.[0] ?? 0) || (one?.[1] ?? 0) - (two?.[1] ?? 0);
}
