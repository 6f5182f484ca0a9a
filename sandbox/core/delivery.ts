import { Type, type Static } from 'typebox';

const Attempt = Type.Object({
  at: Type.Number(),
  status: Type.Union([Type.Integer(), Type.Null()]),
  error: Type.Union([Type.String(), Type.Null()]),
  /** The start of the receiver's answer. */
  answer: Type.Optional(Type.String()),
});
const Delivery = Type.Object({
  id: Type.String(),
  provider: Type.String(),
  event: Type.String(),
  url: Type.Union([Type.String(), Type.Null()]),
  body: Type.String(),
  contentType: Type.String({ default: 'application/json' }),
  createdAt: Type.Number(),
  state: Type.Union([
    Type.Literal('pending'),
    Type.Literal('held'),
    Type.Literal('delivered'),
    Type.Literal('dropped'),
    Type.Literal('gave_up'),
    Type.Literal('no_url'),
  ]),
  attempts: Type.Array(Attempt),
  duplicateOf: Type.Optional(Type.String()),
  /** The data that the provider's signer needs for this delivery. */
  signing: Type.Record(Type.String(), Type.String()),
});
export type Delivery = Static<typeof Delivery>;

export const WebhookSettings = Type.Object(
  {
    drop: Type.Integer({ minimum: 0, default: 0 }),
    duplicate: Type.Integer({ minimum: 0, default: 0 }),
    delay: Type.Integer({ minimum: 0, default: 0 }),
    delayMs: Type.Integer({ minimum: 0, default: 1_000 }),
    reorder: Type.Integer({ minimum: 0, default: 0 }),
    retryBaseMs: Type.Integer({ minimum: 1, default: 1_000 }),
    retryCapMs: Type.Integer({ minimum: 1, default: 3_600_000 }),
    giveUpMs: Type.Integer({ minimum: 0, default: 72 * 3_600_000 }),
    timeoutMs: Type.Integer({ minimum: 1, default: 10_000 }),
  },
  { additionalProperties: false },
);

export const WebhookState = Type.Object({ settings: WebhookSettings, deliveries: Type.Array(Delivery) });
