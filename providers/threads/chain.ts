import type { Plan, Step } from '../../plan.ts';
import type { PostContext } from '../publishing.ts';
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
 * The steps of a request: one part after the other, for a reply names the published post that it answers; children of a
 * carousel come first, and each has to be finished (threads-facts 4.1 and 4.3).
 *
 * A reply can only be made once the post that it answers is live, so a chain could end half live for
 * what is wrong with a later part (a text that Threads counts otherwise than we do, a file that it does not take). So a
 * container of each reply, without `reply_to_id` and never published, is made before the first post is: it proves that
 * Threads takes the part, and ends unseen after a day (threads-facts 4.4).
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

/** The await for all containers that prove replies. */
export const PROVED = 'proved';

/** The containers that prove the replies of a request. */
export const proofsOf = (request: ThreadsRequest): string[] =>
  partsOf(request).flatMap((part) => (part.before !== null && isProved(part) ? [part.name('proof')] : []));

/** A carousel's items know nothing of what it answers: they are their own proof, and only its text needs another one. */
const isProved = ({ unit: { mediaType, postInfo } }: Part): boolean =>
  mediaType !== 'CAROUSEL' || (postInfo.text ?? '') !== '';

const proofOf = (part: Part): Step[] => [
  ...itemSteps(part),
  ...(isProved(part) ? [{ kind: 'write', name: part.name('proof'), lost: 'repeat' } as const] : []),
];

/** What the container holds that proves a part. */
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
