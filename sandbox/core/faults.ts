import { Type, type Static } from 'typebox';

export const FaultSpec = Type.Object(
  {
    endpoint: Type.String(),
    kind: Type.Union([
      Type.Literal('accept-then-drop'),
      Type.Literal('accept-then-500'),
      Type.Literal('drop-before'),
      Type.Literal('drop-mid'),
      Type.Literal('slow'),
      Type.Literal('truncated'),
      Type.Literal('cut'),
      Type.Literal('trickle'),
      Type.Literal('instead'),
      Type.Literal('html'),
      Type.Literal('status'),
    ]),
    /** Only requests whose token is of this account, by the provider's own id. */
    account: Type.Optional(Type.String()),
    /** How many requests it hits; 0 = all, until deleted. */
    times: Type.Integer({ minimum: 0, default: 1 }),
    /** How many matching requests pass before it begins. */
    after: Type.Integer({ minimum: 0, default: 0 }),
    /** For html and status: answer without processing the request, or process the request first. */
    when: Type.Union([Type.Literal('before'), Type.Literal('after')], { default: 'before' }),
    /** For slow: how long it waits first. For trickle: the pause before each piece of `bytes`. */
    ms: Type.Integer({ minimum: 0, default: 1_000 }),
    bytes: Type.Integer({ minimum: 1, default: 1 }),
    /** For instead: the request that is answered in place of the real one; a part that is absent stays. */
    path: Type.Optional(Type.String({ pattern: '^/' })),
    authorization: Type.Optional(Type.String()),
    afterBytes: Type.Integer({ minimum: 0, default: 1 }),
    http: Type.Integer({ minimum: 200, maximum: 599, default: 500 }),
    code: Type.String({ default: 'internal_error' }),
    message: Type.String({ default: 'forced by the sandbox' }),
    body: Type.Optional(Type.String()),
    headers: Type.Record(Type.String(), Type.String(), { default: {} }),
  },
  { additionalProperties: false },
);
export type Fault = Static<typeof FaultSpec>;

interface Armed {
  id: number;
  spec: Fault;
  seen: number;
  hits: number;
}

export class Faults {
  #armed: Armed[] = [];
  #lastId = 0;

  arm(spec: Fault): number {
    this.#lastId += 1;
    this.#armed.push({ id: this.#lastId, spec, seen: 0, hits: 0 });
    return this.#lastId;
  }

  list(): Armed[] {
    return this.#armed;
  }

  clear(id?: number): void {
    this.#armed = id === undefined ? [] : this.#armed.filter((armed) => armed.id !== id);
  }

  /** The faults that hit this request: at most one delay and one of the other kinds, oldest first. */
  take(names: string[], account: string | null = null): { slowMs: number; fault: Fault | undefined } {
    let slow: Fault | undefined;
    let fault: Fault | undefined;
    for (const armed of this.#armed) {
      const { spec } = armed;
      if (spec.endpoint !== '*' && !names.includes(spec.endpoint)) continue;
      if (spec.account !== undefined && spec.account !== account) continue;
      if ((spec.kind === 'slow' ? slow : fault) !== undefined) continue;
      armed.seen += 1;
      if (armed.seen <= spec.after) continue;
      armed.hits += 1;
      if (spec.kind === 'slow') slow = spec;
      else fault = spec;
    }
    this.#armed = this.#armed.filter(({ spec, hits }) => spec.times === 0 || hits < spec.times);
    return { slowMs: slow?.ms ?? 0, fault };
  }
}
