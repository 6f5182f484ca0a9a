import type { Plan, Step } from '../../plan.ts';
import type { PostContext } from '../publishing.ts';
import type { ThreadsRequest, ThreadsUnit } from './request.ts';

/** One post of a request: the root, or a reply to the previous part. */
export interface Part {
  unit: ThreadsUnit;
  /** The part that it replies to; null for the root. */
  before: Part | null;
  last: boolean;
  /** The name of one of its steps in the plan. */
  name: (step: string) => string;
}

/** The posts of a request, in the order of publishing. */
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

/** The part that a step of the plan belongs to, and the step's task there. */
export function locate(request: ThreadsRequest, step: string): { part: Part; task: string } {
  const [, number = '0', task = step] = /^reply:(\d+)\/(.+)$/.exec(step) ?? [];
  const part = partsOf(request)[Number(number)];
  if (part === undefined) throw new Error(`the request has no part for ${step}`);
  return { part, task };
}

/** Whether a part is a reply, to another part or to somebody's post. */
export const isReply = ({ before, unit }: Part): boolean =>
  before !== null || unit.postInfo.reply_to_id !== undefined;

/** The post that a part replies to; in a chain, the previous part. */
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

/** Every container of a part, in the order of creation. */
export const containersOf = (part: Part): string[] => [...items(part), part.name('container')];

/**
 * The steps of a request: one part after the other, because a reply refers to a published post; a carousel's children
 * come first, and each must be finished (threads-facts 4.1 and 4.3).
 * A reply can only be created once its parent is live, so an error in a later part (a text that Threads counts
 * differently, a file that it rejects) could leave half a chain live. Therefore a test container of each reply, without
 * `reply_to_id` and never published, is created before the first post is: it proves that Threads accepts the part, and
 * expires unseen after a day (threads-facts 4.4).
 */
export function planOf(request: ThreadsRequest): Plan {
  const [root, ...replies] = partsOf(request);
  if (root === undefined) throw new Error('a request has a post');
  const proof: Step[] =
    replies.length === 0 ? [] : [...replies.flatMap(proofOf), { kind: 'await', name: PROVED }];
  return [
    ...itemSteps(root),
    ...containerSteps(root),
    ...proof,
    publishStep(root),
    ...replies.flatMap((reply) => [...containerSteps(reply), publishStep(reply)]),
    { kind: 'await', name: 'permalink', soon: true },
  ];
}

/** The await for all test containers of replies. */
export const PROVED = 'proved';

/** The test containers for the replies of a request. */
export const proofsOf = (request: ThreadsRequest): string[] =>
  partsOf(request).flatMap((part) => (part.before !== null && isProved(part) ? [part.name('proof')] : []));

/** A carousel's items do not depend on its parent, so they are their own test; only its text needs another one. */
const isProved = ({ unit: { mediaType, postInfo } }: Part): boolean =>
  mediaType !== 'CAROUSEL' || (postInfo.text ?? '') !== '';

const proofOf = (part: Part): Step[] => [
  ...itemSteps(part),
  ...(isProved(part) ? [{ kind: 'write', name: part.name('proof'), lost: 'repeat' } as const] : []),
];

/** The content of a part's test container. */
export const proofUnit = ({ unit }: Part): ThreadsUnit => {
  if (unit.mediaType !== 'CAROUSEL') return unit;
  const { is_spoiler_media: _ofMedia, ...postInfo } = unit.postInfo;
  return { mediaType: 'TEXT', media: [], postInfo };
};

function itemSteps(part: Part): Step[] {
  const writes = items(part).map((item): Step => ({ kind: 'write', name: item, lost: 'repeat' }));
  return writes.length === 0 ? [] : [...writes, { kind: 'await', name: part.name('items') }];
}

const containerSteps = ({ name }: Part): Step[] => [
  { kind: 'write', name: name('container'), lost: 'repeat' },
  { kind: 'await', name: name('ready') },
];

const publishStep = ({ name }: Part): Step => ({
  kind: 'write',
  name: name('publish'),
  lost: 'reconcile',
  shows: true,
});
