import { Type, type Static, type TSchema } from 'typebox';
import type { Page } from '../db/page.ts';
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

/** @throws ApiError `invalid_cursor` */
export function pageOf({ cursor, limit }: Static<typeof PageQuery>): Page {
  return { limit: limit ?? DEFAULT_LIMIT, cursor: cursor === undefined ? null : read(cursor) };
}

/**
 * @param rows up to one more than the page's limit, as the queries return them
 * @param at the time that orders the list
 */
export function pieceOf<Row extends { id: string }, View>(
  rows: readonly Row[],
  { limit }: Page,
  at: (row: Row) => Date,
  view: (row: Row) => View,
): { data: View[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    data: shown.map(view),
    nextCursor: rows.length > limit && last !== undefined ? write(at(last), last.id) : null,
  };
}

const CURSOR = /^(\d{1,15})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

function write(at: Date, id: string): string {
  return Buffer.from(`${at.getTime()}.${id}`).toString('base64url');
}

function read(cursor: string): { at: Date; id: string } {
  const [, at, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const ms = Number(at);
  if (id === undefined || !isKeepable(ms)) throw apiError('invalid_cursor');
  return { at: new Date(ms), id };
}
