import { randomUUID } from 'node:crypto';
import { Type, type Static } from 'typebox';
import type { Clock } from './clock.ts';
import type { Store } from './store.ts';

const Job = Type.Object({ id: Type.String(), dueAt: Type.Number(), kind: Type.String(), ref: Type.String() });
const JobList = Type.Object({ list: Type.Array(Job) });

type Handler = (ref: string, dueAt: number) => void | Promise<void>;

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Work for later, in sandbox time. A job stays in the store until its handler is done, so a restart repeats it. */
export class Jobs {
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #jobs: Static<typeof JobList>;
  readonly #handlers = new Map<string, Handler>();
  readonly #running = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #started = false;

  constructor(store: Store, clock: Clock) {
    this.#clock = clock;
    this.#store = store;
    this.#jobs = store.section('jobs', JobList, { list: [] });
  }

  on(kind: string, handler: Handler): void {
    this.#handlers.set(kind, handler);
  }

  at(dueAt: number, kind: string, ref: string): void {
    this.#jobs.list.push({ id: randomUUID(), dueAt, kind, ref });
    this.#store.touch();
    this.#arm();
  }

  start(): void {
    this.#started = true;
    this.run();
  }

  /** Runs everything that is due, in order of due time. */
  run(): void {
    for (let job = this.#next(); job !== undefined && job.dueAt <= this.#clock.now(); job = this.#next()) {
      this.#perform(job);
    }
    this.#arm();
  }

  get waiting(): number {
    return this.#jobs.list.length;
  }

  async close(): Promise<void> {
    this.#started = false;
    clearTimeout(this.#timer);
    await Promise.all(this.#running.values());
  }

  #next(): Static<typeof Job> | undefined {
    let first: Static<typeof Job> | undefined;
    for (const job of this.#jobs.list) {
      if (!this.#running.has(job.id) && (first === undefined || job.dueAt < first.dueAt)) first = job;
    }
    return first;
  }

  #perform(job: Static<typeof Job>): void {
    const handler = this.#handlers.get(job.kind);
    if (handler === undefined) throw new Error(`no handler for job ${job.kind}`);
    const pending = handler(job.ref, job.dueAt);
    if (pending === undefined) return this.#remove(job.id);
    this.#running.set(job.id, this.#finish(job.id, pending));
  }

  async #finish(id: string, pending: Promise<void>): Promise<void> {
    await pending;
    this.#running.delete(id);
    // A handler that was cut short by closing has not done its work: the next start repeats it.
    if (this.#started) this.#remove(id);
  }

  #remove(id: string): void {
    this.#jobs.list = this.#jobs.list.filter((job) => job.id !== id);
    this.#store.touch();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#started ? this.#next() : undefined;
    if (next === undefined) return;
    const wait = Math.min(Math.max(next.dueAt - this.#clock.now(), 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.run(), wait);
  }
}
