import { ServiceError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { isTemporalAway } from '../api/outage.ts';

/* Errors of Temporal's client that mean "the server is down" are retried; all others are bugs. */

const failed = (code: number): Error =>
  new ServiceError('Failed to describe schedule', {
    cause: Object.assign(new Error('14 or another'), { code, details: '', metadata: {} }),
  });

test.each([
  ['CANCELLED', 1],
  ['UNKNOWN, of a server that dies in the middle', 2],
  ['DEADLINE_EXCEEDED', 4],
  ['RESOURCE_EXHAUSTED', 8],
  ['INTERNAL, of a connection that breaks', 13],
  ['UNAVAILABLE', 14],
])('A call that ends with %s is retried.', (_name, code) => {
  expect(isTemporalAway(failed(code))).toBe(true);
});

test.each([
  ['INVALID_ARGUMENT', 3],
  ['NOT_FOUND', 5],
  ['PERMISSION_DENIED', 7],
  ['UNIMPLEMENTED', 12],
])('A call that ends with %s is a bug.', (_name, code) => {
  expect(isTemporalAway(failed(code))).toBe(false);
});
