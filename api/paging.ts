import { Type, type Static, type TSchema } from 'typebox';
import type { Page } from '../db/page.ts';
import { hashOf } from './canonical.ts';
import { apiError } from './errors.ts';
import { isKeepable } from './times.ts';

const DEFAULT_LIMIT = 50;

/** The query of every list. */
export const PageQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ maxLength: 200, description: '`nextCursor` of the previous page.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: DEFAULT_LIMIT })),
  },
  { additionalProperties: false },
);

/** One page of a list. */
export const List = <T extends TSchema>(item: T) =>
  Type.Object({
    data: Type.Array(item),
    nextCursor: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  });

/** A page of a list that clients can filter: its cursors are of use only with the same filter. */
export interface FilteredPage extends Page {
  filter?: string;
}

/**
 * @param filter everything that decides which rows the list has; absent: nothing does
 * @throws ApiError `invalid_cursor`
 */
export function pageOf({ cursor, limit }: Static<typeof PageQuery>, filter?: unknown): FilteredPage {
  const hash = filter === undefined ? undefined : hashOf(filter).slice(0, 16);
  return {
    limit: limit ?? DEFAULT_LIMIT,
    cursor: cursor === undefined ? null : read(cursor, hash),
    ...(hash === undefined ? {} : { filter: hash }),
  };
}

/**
 * @param rows up to one more than the page's limit, as the queries return them
 * @param at the time that orders the list
 */
export function pieceOf<Row extends { id: string }, View>(
  rows: readonly Row[],
  { limit, filter }: FilteredPage,
  at: (row: Row) => Date,
  view: (row: Row) => View,
): { data: View[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(view),
    nextCursor: rows.length > limit && last !== undefined ? write(at(last), last.id, filter) : null,
  };
}

const CURSOR = /^(-?\d{1,15})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.([0-9a-f]{16}))?$/;

function write(at: Date, id: string, filter: string | undefined): string {
  const parts = [at.getTime(), id, ...(filter === undefined ? [] : [filter])];
  return Buffer.from(parts.join('.')).toString('base64url');
}

function read(cursor: string, wanted: string | undefined): { at: Date; id: string } {
  const [, at, id, filter] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const ms = Number(at);
  if (id === undefined || !isKeepable(ms) || filter !== wanted) throw apiError('invalid_cursor');
  return { at: new Date(ms), id };
}
