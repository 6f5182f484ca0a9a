import type { Call } from '../core/http.ts';
import { refuseGraph } from './errors.ts';

export interface PageRules {
  defaultLimit: number;
  maxLimit: number;
  /** Whether a limit above the maximum is refused, or cut down. */
  refuseOver: boolean;
  /** Whether `next` and `previous` are sent beside the cursors. */
  links: boolean;
}

export interface Page<T> {
  items: T[];
  paging: object | undefined;
}

const toCursor = (id: string): string => Buffer.from(`c:${id}`).toString('base64url');
const fromCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString().slice(2);

/** One page of a sorted list (instagram-facts 2.4 and 7.1, threads-facts 6.1). */
export function paginate<T extends { id: string }>(
  call: Call,
  params: URLSearchParams,
  items: T[],
  rules: PageRules,
): Page<T> {
  const limit = limitOf(params, rules);
  const after = params.get('after');
  const before = params.get('before');
  let start = 0;
  if (after !== null) start = placeOf(items, after) + 1;
  else if (before !== null) start = Math.max(placeOf(items, before) - limit, 0);
  const end = before !== null && after === null ? placeOf(items, before) : start + limit;
  const page = items.slice(start, Math.min(end, start + limit));
  const [first, last] = [page[0], page.at(-1)];
  if (first === undefined || last === undefined) return { items: page, paging: undefined };
  const cursors = { before: toCursor(first.id), after: toCursor(last.id) };
  const next = start + page.length < items.length ? { next: link(call, params, 'after', cursors.after) } : {};
  const previous = start > 0 ? { previous: link(call, params, 'before', cursors.before) } : {};
  return { items: page, paging: { cursors, ...(rules.links ? { ...previous, ...next } : {}) } };
}

/** `limit`, or the default; a wrong one is refused. */
export function limitOf(
  params: URLSearchParams,
  { defaultLimit, maxLimit, refuseOver }: Omit<PageRules, 'links'>,
): number {
  const limit = Number(params.get('limit') ?? defaultLimit);
  const wrong = !Number.isInteger(limit) || limit < 1 || (refuseOver && limit > maxLimit);
  if (wrong)
    refuseGraph({ code: 100, message: `(#100) Param limit must be an integer from 1 to ${maxLimit}` });
  return Math.min(limit, maxLimit);
}

function placeOf(items: { id: string }[], cursor: string): number {
  const place = items.findIndex(({ id }) => id === fromCursor(cursor));
  if (place < 0) refuseGraph({ code: 100, message: '(#100) Invalid parameter: the cursor is unknown' });
  return place;
}

/** It contains the access token: never log it (instagram-facts 2.4). */
export function link(
  { url }: Call,
  params: URLSearchParams,
  side: 'after' | 'before',
  cursor: string,
): string {
  const query = new URLSearchParams(params);
  query.delete(side === 'after' ? 'before' : 'after');
  query.set(side, cursor);
  return `${url.origin}${url.pathname}?${query.toString()}`;
}

/** `since` and `until`: unix seconds, or any format that Date reads. In milliseconds; null when absent. */
export function timeParam(params: URLSearchParams, name: string): number | null {
  const text = params.get(name);
  if (text === null) return null;
  const time = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isNaN(time)) refuseGraph({ code: 100, message: `(#100) Param ${name} must be a valid time` });
  return time;
}

/** The time format of Graph: `2019-04-05T07:56:32+0000` (instagram-facts 1.4). */
export function graphTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+0000`;
}
