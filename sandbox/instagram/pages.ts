import type { Call } from '../core/http.ts';
import type { GraphNode } from '../meta/fields.ts';
import { refuseGraph } from '../meta/errors.ts';
import { limitOf, link } from '../meta/paging.ts';
import type { Instagram } from './context.ts';
import type { GraphRequest } from './graph.ts';
import { badParam } from './problems.ts';
import type { ListFault } from './state.ts';

interface Rules {
  defaultLimit: number;
  maxLimit: number;
  refuseOver: boolean;
}
interface Item {
  id: string;
}
interface Page<T> {
  items: T[];
  paging: object | undefined;
}

/** One page of a sorted list, with the faults that a test asked for (instagram-facts 7.1 and 12). */
export function pageOf<T extends Item>(
  instagram: Instagram,
  request: GraphRequest,
  list: ListFault['list'],
  sorted: T[],
  rules: Rules,
): Page<T> {
  const { params } = request;
  const limit = limitOf(params, rules);
  const fault = takeFault(instagram, list, params.has('after'));
  const { reduceDataAbove } = instagram.options;
  if (fault === 'reduce' || (reduceDataAbove > 0 && limit > reduceDataAbove)) reduceData();
  if (fault === 'refuse') refuseCursor();
  const after = params.get('after');
  const before = params.get('before');
  if (after === null && before !== null) return backwards(instagram, request, sorted, limit, before);
  const start = after === null ? 0 : behind(sorted, after);
  if (fault === 'empty' && start < sorted.length) return emptyPage(request, after);
  const size = fault === 'short' ? Math.ceil(limit / 2) : limit;
  const page = shown(instagram, request, sorted, start, Math.min(start + size, sorted.length));
  if (fault === 'no-cursors') return { items: page.items, paging: undefined };
  if (fault === 'repeat' && after !== null) return { items: page.items, paging: pagingTo(request, after) };
  return page;
}

function shown<T extends Item>(
  { options }: Instagram,
  { call, params }: GraphRequest,
  sorted: T[],
  start: number,
  end: number,
): Page<T> {
  const items = sorted.slice(start, end);
  const [first, last] = [items[0], items.at(-1)];
  if (first === undefined || last === undefined) return { items, paging: undefined };
  const isLast = end >= sorted.length;
  const shownCursors = isLast ? options.lastPageCursors : 'both';
  const before = cursorOf(first.id);
  const after = cursorOf(last.id);
  const cursors = { before, ...(shownCursors === 'both' ? { after } : {}) };
  const paging = {
    ...(shownCursors === 'none' ? {} : { cursors }),
    ...(start > 0 ? { previous: link(call, params, 'before', before) } : {}),
    ...(isLast ? {} : { next: link(call, params, 'after', after) }),
  };
  return { items, paging: Object.keys(paging).length === 0 ? undefined : paging };
}

function backwards<T extends Item>(
  instagram: Instagram,
  request: GraphRequest,
  sorted: T[],
  limit: number,
  before: string,
): Page<T> {
  const end = Math.max(behind(sorted, before) - 1, 0);
  return shown(instagram, request, sorted, Math.max(end - limit, 0), end);
}

/** A page without items in the middle of a list: its cursor is a new one for the same place. */
function emptyPage<T>(request: GraphRequest, after: string | null): Page<T> {
  return { items: [], paging: pagingTo(request, again(after)) };
}

function pagingTo({ call, params }: GraphRequest, after: string): object {
  return { cursors: { after }, next: link(call, params, 'after', after) };
}

/** The paging of an expansion: its `next` is the edge behind the page, with the token in it. */
export function edgePaging(edge: Call, token: string | null, page: GraphNode[], isLast: boolean): object {
  const after = cursorOf(String(page.at(-1)?.['id']));
  const params = new URLSearchParams(token === null ? {} : { access_token: token });
  const cursors = { before: cursorOf(String(page[0]?.['id'])), after };
  return { cursors, ...(isLast ? {} : { next: link(edge, params, 'after', after) }) };
}

/** The first fault for this page. Only a cursor can be refused or repeated. */
function takeFault(
  { state }: Instagram,
  list: ListFault['list'],
  hasAfter: boolean,
): ListFault['kind'] | undefined {
  const fault = state.listFaults.find(
    (one) => one.list === list && (hasAfter || (one.kind !== 'refuse' && one.kind !== 'repeat')),
  );
  if (fault === undefined) return undefined;
  if (fault.after > 0) {
    fault.after -= 1;
    return undefined;
  }
  if (fault.times === 1) state.listFaults = state.listFaults.filter((one) => one !== fault);
  else if (fault.times > 1) fault.times -= 1;
  return fault.kind;
}

const START = 'start';

function cursorOf(id: string): string {
  return Buffer.from(`c:${id}`).toString('base64url');
}

/** Another cursor for the same place. */
function again(cursor: string | null): string {
  const text = cursor === null ? `c:${START}` : Buffer.from(cursor, 'base64url').toString();
  return Buffer.from(`${text}+`).toString('base64url');
}

/** The place behind a cursor; one whose item is gone is refused (instagram-facts 12: UNCONFIRMED). */
function behind(sorted: Item[], cursor: string): number {
  const id = Buffer.from(cursor, 'base64url').toString().slice(2).replace(/\++$/, '');
  if (id === START) return 0;
  const place = sorted.findIndex((item) => item.id === id);
  return place < 0 ? refuseCursor() : place + 1;
}

function refuseCursor(): never {
  return badParam('Invalid parameter: the cursor is unknown');
}

function reduceData(): never {
  const message = "Please reduce the amount of data you're asking for, then retry your request";
  return refuseGraph({ code: 1, message, status: 500 });
}
