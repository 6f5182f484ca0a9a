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

/** How one provider sends. */
interface Sender {
  headers: (delivery: Delivery) => Record<string, string>;
  /** Runs before each attempt. A returned string is the error of the attempt. */
  prepare?: (delivery: Delivery) => Promise<string | null>;
  /** The body of a copy, if the provider does not repeat the same bytes. */
  repeat?: (delivery: Delivery) => string;
  /** It gives up after this time, whatever the settings are. */
  giveUpMs?: number;
}

const KEPT_ANSWER = 2_000;

const KEPT_DELIVERIES = 5_000;
/** Between deliveries whose order matters. */
const SPACING_MS = 30;

export class Webhooks {
  readonly #state: Static<typeof WebhookState>;
  readonly #clock: Clock;
  readonly #jobs: Jobs;
  readonly #faults: Faults;
  readonly #closing: AbortSignal;
  readonly #senders = new Map<string, Sender>();
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

  sendWith(provider: string, sender: Sender): void {
    this.#senders.set(provider, sender);
  }

  get settings(): Static<typeof WebhookSettings> {
    return this.#state.settings;
  }

  get deliveries(): Delivery[] {
    return this.#state.deliveries;
  }

  send(
    input: Pick<Delivery, 'provider' | 'event' | 'url' | 'body' | 'signing'> & Partial<Delivery>,
  ): Delivery {
    const delivery: Delivery = {
      contentType: 'application/json',
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
    const body = this.#senders.get(delivery.provider)?.repeat?.(delivery) ?? delivery.body;
    const copy = { ...structuredClone(delivery), body, id: randomUUID(), duplicateOf: delivery.id };
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
    const { slowMs, fault } = this.#faults.take([
      'webhook',
      `webhook:${delivery.event}`,
      `webhook:${delivery.provider}`,
    ]);
    const outcome = await this.#post(delivery, slowMs, fault);
    if (this.#closing.aborted) return;
    delivery.attempts.push({ at, ...outcome });
    if (outcome.status === 200) delivery.state = 'delivered';
    else this.#retry(delivery);
  }

  #retry(delivery: Delivery): void {
    const { retryBaseMs, retryCapMs } = this.settings;
    const own = this.#senders.get(delivery.provider)?.giveUpMs ?? Infinity;
    const giveUpMs = Math.min(own, this.settings.giveUpMs);
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
      const sender = this.#senders.get(delivery.provider);
      const problem = (await sender?.prepare?.(delivery)) ?? null;
      if (problem !== null) return { status: null, error: problem };
      const signal = AbortSignal.any([this.#closing, AbortSignal.timeout(this.settings.timeoutMs)]);
      const headers = { 'content-type': delivery.contentType, ...sender?.headers(delivery) };
      const options = {
        method: 'POST',
        headers,
        body: delivery.body,
        signal,
        dispatcher: this.#agent,
      } as const;
      const { statusCode, body } = await request(delivery.url, options);
      const answer = (await body.text()).slice(0, KEPT_ANSWER);
      if (fault?.kind === 'accept-then-drop') return { status: null, error: 'fault: answer ignored' };
      return { status: statusCode, error: null, ...(answer === '' ? {} : { answer }) };
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
