import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { type FreshEvent, markEventsStarted } from '../db/events.ts';
import { startEvent } from '../temporal/events.ts';
import type { Deps } from './deps.ts';
import { tell } from './temporal.ts';

const NOTE_EVERY_MS = 200;
/** A higher number would only delay all of them until they are too late. */
const AT_ONCE = 16;
/** Above this share of its time the process is busy with answering, which has priority ... */
const BUSY = 0.4;
/** ... until it has stayed below it for this long. */
const CALM_MS = 1_000;
/** How often the share is measured. */
const MEASURED_MS = 100;
/** While it is busy, it starts one at a time, with this pause after each; afterwards one more at a time with each. */
const REST_MS = 250;
/** No client waits for it. */
const START_MS = 10_000;
/** After that, the sweep does it. */
const CLOSE_MS = 2_000;
/** Waiting events are in the database too: beyond this number the sweep starts them. */
const MOST_WAITING = 20_000;

export interface EventStarter {
  /** Starts the workflows of stored events; returns at once. */
  start(events: readonly FreshEvent[]): void;
  /** Waits briefly for starts in progress. */
  close(): Promise<void>;
}

/**
 * Starts `handleEvent` after the answers are sent, and records the starts in batches. The sweep finds any that are
 * lost.
 */
export function createEventStarter(
  { database: { db }, temporal }: Deps,
  log: FastifyBaseLogger,
): EventStarter {
  const loop = watchLoop();
  const underWay = new Set<Promise<void>>();
  let waiting: FreshEvent[] = [];
  let started: string[] = [];
  let atOnce = 1;
  let timer: NodeJS.Timeout | undefined;

  async function note(): Promise<void> {
    timer = undefined;
    const ids = started;
    started = [];
    try {
      await markEventsStarted(db, ids);
    } catch (error) {
      log.warn({ err: error }, 'starts were not noted: the sweep starts them again, which changes nothing');
    }
  }

  async function startOne({ id, provider, externalId, eventType, requestId }: FreshEvent): Promise<void> {
    const event = { provider, externalId, input: { eventId: id }, summary: eventType, requestId };
    if (!(await tell(temporal, log, `handleEvent of ${id}`, () => startEvent(temporal, event), START_MS)))
      return;
    started.push(id);
    timer ??= setTimeout(() => void note(), NOTE_EVERY_MS);
  }

  async function startAndRest(event: FreshEvent): Promise<void> {
    await startOne(event);
    atOnce = loop.isBusy() ? 1 : Math.min(AT_ONCE, atOnce + 1);
    if (loop.isBusy()) await sleep(REST_MS, undefined, { ref: false });
  }

  function fill(): void {
    while (underWay.size < atOnce) {
      const next = waiting.shift();
      if (next === undefined) return;
      const start = startAndRest(next).finally(() => {
        underWay.delete(start);
        fill();
      });
      underWay.add(start);
    }
  }

  return {
    start(events) {
      waiting.push(...events.slice(0, MOST_WAITING - waiting.length));
      fill();
    },
    async close() {
      waiting = [];
      loop.stop();
      await Promise.race([Promise.allSettled(underWay), sleep(CLOSE_MS, undefined, { ref: false })]);
      clearTimeout(timer);
      await note();
    },
  };
}

/** Measures how much of its time this process is busy, until it is stopped. */
function watchLoop(): { isBusy(): boolean; stop(): void } {
  let since = performance.eventLoopUtilization();
  let calmFrom = 0;
  const timer = setInterval(() => {
    if (performance.eventLoopUtilization(since).utilization > BUSY) calmFrom = performance.now() + CALM_MS;
    since = performance.eventLoopUtilization();
  }, MEASURED_MS);
  timer.unref();
  return { isBusy: () => performance.now() < calmFrom, stop: () => clearInterval(timer) };
}
