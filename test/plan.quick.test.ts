import { describe, expect, test } from 'vitest';
import {
  asksForDetails,
  firstOf,
  isRecallable,
  lastTransfer,
  namedFiles,
  type Plan,
  pointOfNoReturn,
  positionOf,
  possiblyVisibleWrites,
  sendsFile,
  showingWrites,
  stateAfter,
  stepAfter,
  stepOf,
  stepsBefore,
  writesOf,
} from '../plan.ts';

/* The questions about a plan, for the kinds of plans in docs/architecture.md ("A post is a plan"). */

/** A post that becomes visible once its file has arrived. */
const FILE: Plan = [
  { kind: 'write', name: 'init', lost: 'repeat' },
  { kind: 'transfer', name: 'upload', of: 'init' },
  { kind: 'await', name: 'verdict' },
];

/** A post whose only write may be live before anybody has asked. */
const FETCHED: Plan = [
  { kind: 'write', name: 'init', lost: 'reconcile' },
  { kind: 'await', name: 'verdict', recall: true },
];

/** A container, made visible by a separate write. */
const CONTAINER: Plan = [
  { kind: 'write', name: 'container', lost: 'repeat' },
  { kind: 'transfer', name: 'upload', of: 'container' },
  { kind: 'await', name: 'ready' },
  { kind: 'write', name: 'publish', lost: 'reconcile', shows: true },
  { kind: 'await', name: 'permalink', soon: true },
];

/** A post and a reply to it, each visible on its own. */
const CHAIN: Plan = [
  { kind: 'write', name: 'container', lost: 'repeat' },
  { kind: 'await', name: 'ready' },
  { kind: 'write', name: 'publish', lost: 'reconcile', shows: true },
  { kind: 'write', name: 'reply:1/container', lost: 'repeat' },
  { kind: 'await', name: 'reply:1/ready' },
  { kind: 'write', name: 'reply:1/publish', lost: 'reconcile', shows: true },
  { kind: 'await', name: 'permalink', soon: true },
];

/** A post of two files of ours, which its last step makes and shows. */
const FILES: Plan = [
  { kind: 'write', name: 'place:1', lost: 'repeat' },
  { kind: 'transfer', name: 'upload:1', of: 'place:1', media: 'a' },
  { kind: 'write', name: 'place:2', lost: 'repeat' },
  { kind: 'transfer', name: 'upload:2', of: 'place:2', media: 'b' },
  { kind: 'write', name: 'publish', lost: 'reconcile', shows: true },
];

describe('the files that a plan sends', () => {
  test.each([
    { plan: FILE, sends: true, named: [], last: 'upload' },
    { plan: FETCHED, sends: false, named: [], last: undefined },
    { plan: FILES, sends: true, named: ['a', 'b'], last: 'upload:2' },
  ])('$named, the last of them by $last', ({ plan, sends, named, last }) => {
    expect([sendsFile(plan), namedFiles(plan), lastTransfer(plan)?.name]).toEqual([sends, named, last]);
  });

  test('can be stopped until the write that ends the plan', () => {
    expect(pointOfNoReturn(FILES)).toBe(4);
    expect(stepAfter(FILES, 'publish')).toBeNull();
  });
});

describe('a step', () => {
  test('is found by its kind and name', () => {
    expect(stepOf(FILE, 'transfer', 'upload').of).toBe('init');
    expect(stepOf(FETCHED, 'write', 'init').lost).toBe('reconcile');
    expect(positionOf(CHAIN, 'reply:1/container')).toBe(3);
  });

  test.each([
    ['of another kind', () => stepOf(FILE, 'write', 'upload'), 'the plan has no write upload'],
    ['of another name', () => stepOf(FILE, 'await', 'ready'), 'the plan has no await ready'],
    ['without a position', () => positionOf(FILE, 'ready'), 'the plan has no step ready'],
    ['that nothing follows', () => stateAfter(FILE, 'ready'), 'the plan has no step ready'],
    ['among others', () => firstOf(FILE, ['ready', 'items']), 'the plan has no step ready, items'],
  ])('%s is missing, and the error says so', (_which, ask, message) => {
    expect(ask).toThrow(message);
  });

  test('has others before and after it', () => {
    expect(stepsBefore(CONTAINER, 'container')).toEqual([]);
    expect(stepsBefore(CONTAINER, 'ready')).toEqual(['container', 'upload']);
    expect(stepAfter(CONTAINER, 'container')?.name).toBe('upload');
    expect(stepAfter(CONTAINER, 'permalink')).toBeNull();
  });

  test('is the first of several in the plan’s order, not the names’', () => {
    expect(firstOf(CHAIN, ['reply:1/container', 'container']).name).toBe('container');
  });

  test('leads to the transfer or to the provider’s decision once done', () => {
    expect(stateAfter(FILE, 'init')).toBe('transferring');
    expect(stateAfter(FILE, 'upload')).toBe('processing');
    expect(stateAfter(FETCHED, 'init')).toBe('processing');
    expect(stateAfter(CONTAINER, 'permalink')).toBe('processing');
  });

  test('asks for details only if the post is live already', () => {
    const asking = [FILE, FETCHED, CONTAINER, CHAIN].map((plan) => plan.filter(asksForDetails));
    expect(asking.flat().map(({ name }) => name)).toEqual(['permalink', 'permalink']);
    expect(asksForDetails(null)).toBe(false);
  });
});

describe('a plan', () => {
  test.each<[string, Plan, { writes: string[]; showing: string[]; visible: string[]; noReturn: string }]>([
    ['a file', FILE, { writes: ['init'], showing: [], visible: ['init'], noReturn: 'upload' }],
    ['a fetched file', FETCHED, { writes: ['init'], showing: [], visible: ['init'], noReturn: 'init' }],
    [
      'a container',
      CONTAINER,
      {
        writes: ['container', 'publish'],
        showing: ['publish'],
        visible: ['publish'],
        noReturn: 'publish',
      },
    ],
    [
      'a chain',
      CHAIN,
      {
        writes: ['container', 'publish', 'reply:1/container', 'reply:1/publish'],
        showing: ['publish', 'reply:1/publish'],
        visible: ['publish', 'reply:1/publish'],
        noReturn: 'publish',
      },
    ],
  ])(
    'of %s knows its writes, which of them show it, and when it is too late to cancel',
    (_of, plan, knows) => {
      expect({
        writes: writesOf(plan),
        showing: showingWrites(plan),
        visible: possiblyVisibleWrites(plan),
        noReturn: plan[pointOfNoReturn(plan)]?.name,
      }).toEqual(knows);
    },
  );

  test('sends the file if it has a transfer', () => {
    expect([FILE, FETCHED, CONTAINER, CHAIN].map(sendsFile)).toEqual([true, false, true, false]);
  });

  test('can be recalled if one of its awaits says so', () => {
    expect([FILE, FETCHED, CONTAINER, CHAIN].map(isRecallable)).toEqual([false, true, false, false]);
  });
});
