import type { Plan, PostContext, Step } from '../provider.ts';
import type { ThreadsRequest, ThreadsUnit } from './request.ts';

/** One post of a request: the root, or a reply to the part before it. */
export interface Part {
  unit: ThreadsUnit;
  /** The part that it answers; null: the root. */
  before: Part | null;
  last: boolean;
  /** What a step of it is called in the plan. */
  name: (step: string) => string;
}

/** The posts of a request, in the order in which they are published. */
function partsOf(request: ThreadsRequest): Part[] {
  const units: readonly ThreadsUnit[] = [request, ...(request.replies ?? [])];
  const parts: Part[] = [];
  for (const [index, unit] of units.entries())
    parts.push({
      unit,
      before: parts.at(-1) ?? null,
      last: index === units.length - 1,
      name: (step) => (index === 0 ? step : `reply:${index}/${step}`),
    });
  return parts;
}

/** To which part a step of the plan belongs, and what it does there. */
export function locate(request: ThreadsRequest, step: string): { part: Part; task: string } {
  const [, number = '0', task = step] = /^reply:(\d+)\/(.+)$/.exec(step) ?? [];
  const part = partsOf(request)[Number(number)];
  if (part === undefined) throw new Error(`the request has no part for ${step}`);
  return { part, task };
}

/** Whether a part answers a post, of the request or of somebody. */
export const isReply = ({ before, unit }: Part): boolean =>
  before !== null || unit.postInfo.reply_to_id !== undefined;

/** The post that a part answers: of a chain, the part before it. */
export function answered({ before, unit }: Part, { made }: PostContext): string | undefined {
  if (before === null) return unit.postInfo.reply_to_id;
  const id = made[before.name('publish')];
  if (id === undefined) throw new Error('the part before is not published');
  return id;
}

/** The containers of a carousel's items. */
export function items({ unit: { mediaType, media }, name }: Part): string[] {
  return mediaType === 'CAROUSEL' ? media.map((_ref, index) => name(`item:${index + 1}`)) : [];
}

/** Every container of a part, in the order in which they are made. */
export const containersOf = (part: Part): string[] => [...items(part), part.name('container')];

/**
 * One part after the other, for a reply names the published post that it answers; of each, children of a carousel come
 * first, and each has to be finished (sheet sections 4.1 and 4.3).
 */
export function planOf(request: ThreadsRequest): Plan {
  return [...partsOf(request).flatMap(stepsOf), { kind: 'await', name: 'permalink', soon: true }];
}

function stepsOf(part: Part): Step[] {
  const { name } = part;
  const children = items(part);
  return [
    ...children.map((item) => ({ kind: 'write', name: item, lost: 'repeat' }) as const),
    ...(children.length > 0 ? [{ kind: 'await', name: name('items') } as const] : []),
    { kind: 'write', name: name('container'), lost: 'repeat' },
    { kind: 'await', name: name('ready') },
    { kind: 'write', name: name('publish'), lost: 'reconcile', shows: true },
  ];
}
