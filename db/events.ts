import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import { after, type Page } from './page.ts';
import { webhookEvents } from './schema.ts';

/** An event as it is read back: the payload as the text that came, with every digit. */
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
  /** Of the request that brought it; null when it came another way. */
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

/** What whoever stored an event needs to start its workflow. */
export type FreshEvent = Pick<StoredEvent, 'id' | 'provider' | 'eventType' | 'externalId' | 'requestId'>;

/**
 * Stores events in one statement, all or none.
 * @returns those that are new; events that came before are left as they are
 */
export async function insertEvents(db: Db, events: readonly NewEvent[]): Promise<FreshEvent[]> {
  if (events.length === 0) return [];
  const of = (key: keyof NewEvent) => sql.param(events.map((event) => event[key]));
  // Arrays make one statement of any number of events, to be parsed once. In order, so that two servers with the same
  // events do not wait for each other.
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

/** @returns null when it was deleted with all that was known of its account */
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

/** Events that were committed but whose workflow nobody has started; the newest are still in the API's hands. */
export async function unstartedEvents(db: Db, limit: number): Promise<StoredEvent[]> {
  return db
    .select(columns)
    .from(webhookEvents)
    .where(
      and(
        isNull(webhookEvents.workflowStartedAt),
        // What is applied needs no workflow; and the index has only what is not.
        isNull(webhookEvents.processedAt),
        lt(webhookEvents.receivedAt, sql`now() - interval '5 seconds'`),
      ),
    )
    .orderBy(webhookEvents.receivedAt)
    .limit(limit);
}

/** Events under way that nobody has compared with their workflow for a minute, those of longest ago first. */
export async function uncheckedEvents(db: Db, limit: number): Promise<StoredEvent[]> {
  return db
    .select(columns)
    .from(webhookEvents)
    .where(
      and(
        lt(webhookEvents.workflowStartedAt, sql`now() - interval '1 minute'`),
        isNull(webhookEvents.processedAt),
        isNull(webhookEvents.givenUpAt),
        // Older versions did not note what they gave up, which was after 72 hours.
        or(
          isNull(webhookEvents.errorMessage),
          sql`${webhookEvents.receivedAt} > now() - interval '72 hours'`,
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

/** An operator wants an event to be applied once more. @returns null when there is none */
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

/** Keeps why an event could not be applied so far, or, where it is given up, for good. */
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
