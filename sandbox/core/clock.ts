import { Type } from 'typebox';
import type { Store } from './store.ts';

const ClockState = Type.Object({ offsetMs: Type.Number() });

/** Real time plus an offset that only grows. Every expiry and delay of the sandbox is measured with it. */
export class Clock {
  readonly #state: { offsetMs: number };

  constructor(store: Store) {
    this.#state = store.section('clock', ClockState, { offsetMs: 0 });
  }

  get offsetMs(): number {
    return this.#state.offsetMs;
  }

  now(): number {
    return Date.now() + this.#state.offsetMs;
  }

  advance(ms: number): void {
    this.#state.offsetMs += ms;
  }
}
