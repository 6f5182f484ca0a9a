import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm';
import { EVENT_PATIENCE } from '../patience.ts';
import type { Db } from './client.ts';
import { after, type Page } from './page.ts';
import { webhookEvents } from './schema.ts';

/** A stored event. The payload is the original text, with every digit. */
export interface StoredEvent {
  id: string;
  provider: string;
  eventType: string;
  externalId: string;
  payload: string;
  providerAccountId: string | null;
  processedAt: Date | null;
  errorMessage: string | null;
  retryCount: number;
  receivedAt: Date;
  requestId: string | null;
}

export interface NewEvent {
  provider: string;
  /** The id of the HTTP request that brought the event; null if it came another way. */
  requestId: string | null;
  externalId: string;
  eventType: string;
  providerAccountId: string | null;
  /** JSON text. */
  payload: string;
}

const columns = {
  id: webhookEvents.id,
  provider: webhookEvents.provider,
  eventType: webhookEvents.eventType,
  externalId: webhookEvents.externalId,
  payload: sql<string>`${webhookEvents.payloadJson}::text`,
  providerAccountId: webhookEvents.providerAccountId,
  processedAt: webhookEvents.processedAt,
  errorMessage: webhookEvents.errorMessage,
  retryCount: webhookEvents.retryCount,
  receivedAt: webhookEvents.receivedAt,
  requestId: webhookEvents.requestId,
};

/** The columns needed to start a new event's workflow. */
export type FreshEvent = Pick<StoredEvent, 'id' | 'provider' | 'eventType' | 'externalId' | 'requestId'>;

/**
 * Stores events in one statement, all or none.
 * @returns the new ones; known events stay unchanged
 */
export async function insertEvents(db: Db, events: readonly NewEvent[]): Promise<FreshEvent[]> {
  if (events.length === 0) return [];
  const of = (key: keyof NewEvent) => sql.param(events.map((event) => event[key]));
  // With arrays, one prepared statement serves any number of events. Sorted, so that two servers with the same events
  // do not deadlock.
  return db.execute<
    FreshEvent & Record<string, unknown>
  >(sql`insert into ${webhookEvents} (provider, request_id, external_id, event_type, provider_account_id, payload_json)
    select provider, request_id, external_id, event_type, provider_account_id, payload::json
    from unnest(
      ${of('provider')}::text[], ${of('requestId')}::text[], ${of('externalId')}::text[], ${of('eventType')}::text[],
      ${of('providerAccountId')}::text[], ${of('payload')}::text[]
    ) as event (provider, request_id, external_id, event_type, provider_account_id, payload)
    order by provider, external_id
    on conflict do nothing
    returning id, provider, request_id as "requestId", external_id as "externalId", event_type as "eventType"`);
}

/** @returns null if it was deleted together with its account's data */
export async function eventById(db: Db, id: string): Promise<StoredEvent | null> {
  const [event] = await db.select(columns).from(webhookEvents).where(eq(webhookEvents.id, id));
  return event ?? null;
}

export async function findEventByExternalId(
  db: Db,
  provider: string,
  externalId: string,
): Promise<StoredEvent | null> {
  const [event] = await db
    .select(columns)
    .from(webhookEvents)
    .where(and(eq(webhookEvents.provider, provider), eq(webhookEvents.externalId, externalId)));
  return event ?? null;
}

/** Newest first. */
export async function listEvents(db: Db, page: Page): Promise<StoredEvent[]> {
  return db
    .select(columns)
    .from(webhookEvents)
    .where(after(page, webhookEvents.receivedAt, webhookEvents.id))
    .orderBy(desc(webhookEvents.receivedAt), desc(webhookEvents.id))
    .limit(page.limit + 1);
}

/** Committed events whose workflow was never started, except the newest, which the API is still starting. */
export async function unstartedEvents(db: Db, limit: number): Promise<StoredEvent[]> {
  return db
    .select(columns)
    .from(webhookEvents)
    .where(
      and(
        isNull(webhookEvents.workflowStartedAt),
        // An applied event needs no workflow, and the index only covers the others.
        isNull(webhookEvents.processedAt),
        lt(webhookEvents.receivedAt, sql`now() - interval '5 seconds'`),
      ),
    )
    .orderBy(webhookEvents.receivedAt)
    .limit(limit);
}

/** Events in progress that were not compared with their workflow for a minute, oldest check first. */
export async function uncheckedEvents(db: Db, limit: number): Promise<StoredEvent[]> {
  return db
    .select(columns)
    .from(webhookEvents)
    .where(
      and(
        lt(webhookEvents.workflowStartedAt, sql`now() - interval '1 minute'`),
        isNull(webhookEvents.processedAt),
        isNull(webhookEvents.givenUpAt),
        // Older versions gave up without recording it.
        or(
          isNull(webhookEvents.errorMessage),
          sql`${webhookEvents.receivedAt} > now() - ${EVENT_PATIENCE} * interval '1 ms'`,
        ),
      ),
    )
    .orderBy(webhookEvents.workflowStartedAt)
    .limit(limit);
}

export async function markEventStarted(db: Db, id: string): Promise<void> {
  await db.update(webhookEvents).set({ workflowStartedAt: new Date() }).where(eq(webhookEvents.id, id));
}

export async function markEventsStarted(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db
    .update(webhookEvents)
    .set({ workflowStartedAt: new Date() })
    .where(sql`${webhookEvents.id} = any(${sql.param(ids)}::uuid[])`);
}

/** Reopens an event that an operator wants applied again. @returns null if it does not exist */
export async function reopenEvent(db: Db, id: string): Promise<StoredEvent | null> {
  const [event] = await db
    .update(webhookEvents)
    .set({ processedAt: null, givenUpAt: null, errorMessage: null, replayed: true })
    .where(eq(webhookEvents.id, id))
    .returning(columns);
  return event ?? null;
}

export async function markEventProcessed(db: Db, id: string): Promise<void> {
  await db
    .update(webhookEvents)
    .set({ processedAt: new Date(), errorMessage: null })
    .where(eq(webhookEvents.id, id));
}

/** Records why an event could not be applied, so far or, if `givenUp`, for good. */
export async function noteEventError(
  db: Db,
  id: string,
  { message, retryCount, givenUp = false }: { message: string; retryCount?: number; givenUp?: boolean },
): Promise<void> {
  await db
    .update(webhookEvents)
    .set({
      errorMessage: message,
      ...(retryCount === undefined ? {} : { retryCount }),
      ...(givenUp ? { givenUpAt: new Date() } : {}),
    })
    .where(eq(webhookEvents.id, id));
}
