import { expect, test } from 'vitest';
import { createTurns } from '../activities/sync/turns.ts';

/* The turns of tenants in a worker. */

const never = new AbortController().signal;

/** Work that goes on until it is told to end. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { run: () => promise, end: resolve };
}

test('owners take turns, and each one’s work keeps its order', async () => {
  const turns = createTurns(1);
  const begun: string[] = [];
  const first = work();
  const all = [turns.take('many', never, first.run)];
  for (const name of ['many 1', 'many 2', 'other 1', 'many 3', 'third 1'])
    all.push(
      turns.take(name.split(' ')[0] ?? '', never, () => {
        begun.push(name);
        return Promise.resolve();
      }),
    );
  first.end();
  await Promise.all(all);
  expect(begun).toEqual(['many 1', 'other 1', 'third 1', 'many 2', 'many 3']);
});

test('no more than the places run at one time', async () => {
  const turns = createTurns(2);
  let [running, most] = [0, 0];
  await Promise.all(
    Array.from({ length: 9 }, (_, index) =>
      turns.take(`owner ${index % 3}`, never, async () => {
        most = Math.max(most, (running += 1));
        await Promise.resolve();
        running -= 1;
      }),
    ),
  );
  expect(most).toBe(2);
});

test('work that is cancelled while it waits leaves its place to others, and a failure too', async () => {
  const turns = createTurns(1);
  const first = work();
  const running = turns.take('one', never, first.run);
  const cancelled = new AbortController();
  const waiting = turns.take('one', cancelled.signal, () => Promise.resolve('ran'));
  const failing = turns.take('two', never, () => Promise.reject(new Error('failed')));
  cancelled.abort(new Error('cancelled'));
  await expect(waiting).rejects.toThrow('cancelled');
  first.end();
  await running;
  await expect(failing).rejects.toThrow('failed');
  expect(await turns.take('one', never, () => Promise.resolve('next'))).toBe('next');
});
