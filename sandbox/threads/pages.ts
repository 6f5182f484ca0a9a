import { parseCode, refuseGraph } from '../meta/errors.ts';
import { limitOf, link } from '../meta/paging.ts';
import { profileOf, type Threads } from './context.ts';
import type { ThreadsRequest } from './graph.ts';
import { badParam } from './problems.ts';
import type { ListFault, Post } from './state.ts';

const RULES = { defaultLimit: 25, maxLimit: 100, refuseOver: true };

type ListName = ListFault['list'];
interface Page {
  items: Post[];
  paging: object | undefined;
}
interface Place {
  after: string | null;
  start: number;
  end: number;
}

/** One page of a sorted list, with what tests want to be wrong about it (threads-facts 6.1). */
export function pageOf(threads: Threads, request: ThreadsRequest, list: ListName, sorted: Post[]): Page {
  const { params } = request;
  if (params.has('before') && params.has('after')) badParam('before and after can not be used together');
  const limit = limitOf(params, RULES);
  const place = placeIn(params, limit, sorted);
  const fault = takeFault(threads, request, list, place.start >= 2 * limit);
  switch (fault?.kind) {
    case 'refuse':
      return refuseCursor();
    case 'error':
      return refuseGraph({ ...parseCode(fault.code), message: 'An error occurred', status: fault.http });
    case 'empty':
      return { items: [], paging: { cursors: { after: again(place.after) } } };
    case 'short':
      return shown(threads, request, sorted, {
        ...place,
        end: Math.max(place.end - fault.lacks, place.start),
      });
    case 'repeat': {
      const { items } = shown(threads, request, sorted, place);
      return { items, paging: { cursors: { after: cursorOf(sorted[limit - 1]) } } };
    }
    case undefined:
      return shown(threads, request, sorted, place);
  }
}

function placeIn(params: URLSearchParams, limit: number, sorted: Post[]): Place {
  const after = params.get('after');
  const before = params.get('before');
  if (before === null) {
    const start = after === null ? 0 : behind(sorted, after);
    return { after, start, end: Math.min(start + limit, sorted.length) };
  }
  const end = Math.max(behind(sorted, before) - 1, 0);
  return { after, start: Math.max(end - limit, 0), end };
}

function shown({ options }: Threads, { call, params }: ThreadsRequest, sorted: Post[], place: Place): Page {
  const { after, start, end } = place;
  const items = sorted.slice(start, end);
  if (start >= sorted.length) {
    const same = options.listEnd === 'same-after' && after !== null;
    return { items, paging: same ? { cursors: { after } } : undefined };
  }
  // A page that is short may have no item of its own: it goes on behind the last one of the page before.
  const last = items.length === 0 ? again(after) : cursorOf(items.at(-1));
  const cursors = {
    ...(items[0] === undefined ? {} : { before: cursorOf(items[0]) }),
    ...(end === sorted.length && options.listEnd === 'no-after' ? {} : { after: last }),
  };
  const next = end < sorted.length ? { next: link(call, params, 'after', last) } : {};
  const previous =
    start > 0 && items[0] !== undefined ? { previous: link(call, params, 'before', cursorOf(items[0])) } : {};
  return { items, paging: { cursors, ...(options.pagingLinks ? { ...previous, ...next } : {}) } };
}

/** The first fault that is for this page. Only a cursor can be refused, and a first page can not be repeated. */
function takeFault(
  { state, ...threads }: Threads,
  { access, params }: ThreadsRequest,
  list: ListName,
  isThird: boolean,
): ListFault | undefined {
  const { username } = profileOf({ state, ...threads }, access.held.userId);
  const fault = state.listFaults.find(
    (one) =>
      one.list === list &&
      (one.username ?? username) === username &&
      (one.kind !== 'refuse' || params.has('after')) &&
      (one.kind !== 'repeat' || isThird),
  );
  if (fault === undefined) return undefined;
  if (fault.after > 0) {
    fault.after -= 1;
    return undefined;
  }
  if (fault.times === 1) state.listFaults = state.listFaults.filter((one) => one !== fault);
  else if (fault.times > 1) fault.times -= 1;
  return fault;
}

const START = 'start';
const encode = (text: string): string => Buffer.from(text).toString('base64url');
const decode = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

function cursorOf(post: Post | undefined): string {
  return encode(post === undefined ? START : `${post.createdAt}:${post.id}`);
}

/** Another cursor for the same place. */
function again(cursor: string | null): string {
  return encode(`${cursor === null ? START : decode(cursor)}+`);
}

/** The place behind a cursor. Its item may have left the list: the list then goes on with older (or newer) ones. */
function behind(sorted: Post[], cursor: string): number {
  const text = decode(cursor).replace(/\++$/, '');
  if (text === START) return 0;
  const [, time, id] = /^(\d+):(\d+)$/.exec(text) ?? refuseCursor();
  const place = sorted.findIndex((post) => post.id === id);
  if (place >= 0) return place + 1;
  const at = Number(time);
  const oldestFirst = (sorted[0]?.createdAt ?? 0) < (sorted.at(-1)?.createdAt ?? 0);
  const next = sorted.findIndex(({ createdAt }) => (oldestFirst ? createdAt > at : createdAt < at));
  return next < 0 ? sorted.length : next;
}

function refuseCursor(): never {
  return badParam('(#100) Invalid parameter: the cursor is unknown');
}
