import { Type, type Static } from 'typebox';
import type { Store } from './store.ts';

export const Decision = Type.Object(
  {
    decision: Type.Union([Type.Literal('approve'), Type.Literal('deny')]),
    /** Only for visits to this provider's page. */
    provider: Type.Optional(Type.String()),
    creator: Type.Optional(Type.String()),
    scopes: Type.Optional(Type.Array(Type.String())),
    /** Names of the Facebook pages that are granted; absent: all. */
    pages: Type.Optional(Type.Array(Type.String())),
    sticky: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Decision = Static<typeof Decision>;

const ConsentState = Type.Object({ next: Type.Array(Decision) });

/** The decisions of the next visitors to a consent page, set beforehand by a script. */
export class Consent {
  readonly #state: Static<typeof ConsentState>;

  constructor(store: Store) {
    this.#state = store.section('consent', ConsentState, { next: [] });
  }

  set(decision: Decision): void {
    const { provider, sticky } = decision;
    if (sticky === true) {
      this.#state.next = this.#state.next.filter(
        (other) => provider !== undefined && other.provider !== provider,
      );
    }
    this.#state.next.push(decision);
  }

  clear(): void {
    this.#state.next = [];
  }

  take(provider: string): Decision | undefined {
    const { next } = this.#state;
    const first = next.find((decision) => decision.provider === undefined || decision.provider === provider);
    if (first !== undefined && first.sticky !== true) next.splice(next.indexOf(first), 1);
    return first;
  }
}
