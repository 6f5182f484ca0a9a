import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Static } from 'typebox';
import { Agent, request } from 'undici';
import type { Clock } from './clock.ts';
import { WebhookSettings, WebhookState, type Delivery } from './delivery.ts';
import type { Fault, Faults } from './faults.ts';
import type { Jobs } from './jobs.ts';
import { parse } from './json.ts';
import type { Store } from './store.ts';

type Signer = (delivery: Delivery) => Record<string, string>;

const KEPT_DELIVERIES = 5_000;
/** Between deliveries whose order matters. */
const SPACING_MS = 30;

export class Webhooks {
  readonly #state: Static<typeof WebhookState>;
  readonly #clock: Clock;
  readonly #jobs: Jobs;
  readonly #faults: Faults;
  readonly #closing: AbortSignal;
  readonly #signers = new Map<string, Signer>();
  readonly #agent = new Agent({ connections: 32 });

  constructor(store: Store, clock: Clock, jobs: Jobs, faults: Faults, closing: AbortSignal) {
    const initial = { settings: parse(WebhookSettings, {}), deliveries: [] };
    this.#state = store.section('webhooks', WebhookState, initial);
    this.#clock = clock;
    this.#jobs = jobs;
    this.#faults = faults;
    this.#closing = closing;
    jobs.on('webhook', (id) => this.#attempt(id));
  }

  signWith(provider: string, signer: Signer): void {
    this.#signers.set(provider, signer);
  }

  get settings(): Static<typeof WebhookSettings> {
    return this.#state.settings;
  }

  get deliveries(): Delivery[] {
    return this.#state.deliveries;
  }

  send(input: Pick<Delivery, 'provider' | 'event' | 'url' | 'body' | 'signing'>): Delivery {
    const delivery: Delivery = {
      ...input,
      id: randomUUID(),
      createdAt: this.#clock.now(),
      state: input.url === null ? 'no_url' : 'pending',
      attempts: [],
    };
    this.#keep(delivery);
    if (delivery.state === 'pending') this.#route(delivery);
    return delivery;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #route(delivery: Delivery): void {
    const { settings } = this;
    if (settings.drop > 0) {
      settings.drop -= 1;
      delivery.state = 'dropped';
      return;
    }
    if (settings.reorder > 0) return this.#hold(delivery);
    const wait = settings.delay > 0 ? settings.delayMs : 0;
    settings.delay = Math.max(settings.delay - 1, 0);
    const dueAt = this.#clock.now() + wait;
    this.#jobs.at(dueAt, 'webhook', delivery.id);
    if (settings.duplicate === 0) return;
    settings.duplicate -= 1;
    const copy = { ...structuredClone(delivery), id: randomUUID(), duplicateOf: delivery.id };
    this.#keep(copy);
    this.#jobs.at(dueAt + SPACING_MS, 'webhook', copy.id);
  }

  /** Collects as many events as `reorder` says, then sends them last first. */
  #hold(delivery: Delivery): void {
    delivery.state = 'held';
    const held = this.deliveries.filter(({ state }) => state === 'held');
    if (held.length >= this.settings.reorder) this.release();
  }

  release(): void {
    const held = this.deliveries.filter(({ state }) => state === 'held');
    this.settings.reorder = 0;
    for (const [index, delivery] of held.toReversed().entries()) {
      delivery.state = 'pending';
      this.#jobs.at(this.#clock.now() + index * SPACING_MS, 'webhook', delivery.id);
    }
  }

  async #attempt(id: string): Promise<void> {
    const delivery = this.deliveries.find((candidate) => candidate.id === id);
    if (delivery?.state !== 'pending') return;
    const at = this.#clock.now();
    const { slowMs, fault } = this.#faults.take(['webhook', `webhook:${delivery.event}`]);
    const outcome = await this.#post(delivery, slowMs, fault);
    if (this.#closing.aborted) return;
    delivery.attempts.push({ at, ...outcome });
    if (outcome.status === 200) delivery.state = 'delivered';
    else this.#retry(delivery);
  }

  #retry(delivery: Delivery): void {
    const { retryBaseMs, retryCapMs, giveUpMs } = this.settings;
    const backoff = Math.min(retryBaseMs * 2 ** (delivery.attempts.length - 1), retryCapMs);
    const dueAt = this.#clock.now() + backoff;
    if (dueAt > delivery.createdAt + giveUpMs) delivery.state = 'gave_up';
    else this.#jobs.at(dueAt, 'webhook', delivery.id);
  }

  async #post(delivery: Delivery, slowMs: number, fault: Fault | undefined) {
    if (delivery.url === null) return { status: null, error: 'no webhook URL' };
    if (fault?.kind === 'drop-before') return { status: null, error: 'fault: never sent' };
    try {
      if (slowMs > 0) await sleep(slowMs, undefined, { signal: this.#closing });
      const signal = AbortSignal.any([this.#closing, AbortSignal.timeout(this.settings.timeoutMs)]);
      const headers = {
        'content-type': 'application/json',
        ...this.#signers.get(delivery.provider)?.(delivery),
      };
      const options = {
        method: 'POST',
        headers,
        body: delivery.body,
        signal,
        dispatcher: this.#agent,
      } as const;
      const { statusCode, body } = await request(delivery.url, options);
      await body.dump();
      if (fault?.kind === 'accept-then-drop') return { status: null, error: 'fault: answer ignored' };
      return { status: statusCode, error: null };
    } catch (error) {
      return { status: null, error: error instanceof Error ? error.message : 'unknown error' };
    }
  }

  #keep(delivery: Delivery): void {
    this.deliveries.push(delivery);
    if (this.deliveries.length <= KEPT_DELIVERIES) return;
    const oldest = this.deliveries.findIndex(({ state }) => state !== 'pending' && state !== 'held');
    if (oldest >= 0) this.deliveries.splice(oldest, 1);
  }
}
