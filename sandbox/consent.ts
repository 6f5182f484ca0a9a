import { Type, type Static } from 'typebox';
import type { Store } from './store.ts';

export const Decision = Type.Object(
  {
    decision: Type.Union([Type.Literal('approve'), Type.Literal('deny')]),
    creator: Type.Optional(Type.String()),
    scopes: Type.Optional(Type.Array(Type.String())),
    sticky: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Decision = Static<typeof Decision>;

const ConsentState = Type.Object({ next: Type.Array(Decision) });

/** What the next visitors of a consent page decide, set beforehand by a script. */
export class Consent {
  readonly #state: Static<typeof ConsentState>;

  constructor(store: Store) {
    this.#state = store.section('consent', ConsentState, { next: [] });
  }

  set(decision: Decision): void {
    if (decision.sticky === true) this.clear();
    this.#state.next.push(decision);
  }

  clear(): void {
    this.#state.next = [];
  }

  take(): Decision | undefined {
    const [first] = this.#state.next;
    if (first?.sticky !== true) this.#state.next.shift();
    return first;
  }
}
