import { and, desc, eq, inArray, isNull, lt, sql } from 'drizzle-orm';
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

const fresh = {
  id: webhookEvents.id,
  provider: webhookEvents.provider,
  eventType: webhookEvents.eventType,
  externalId: webhookEvents.externalId,
  requestId: webhookEvents.requestId,
};

const statements = new WeakMap<Db, ReturnType<typeof prepareInsert>>();

function prepareInsert(db: Db) {
  return db
    .insert(webhookEvents)
    .values({
      provider: sql.placeholder('provider'),
      requestId: sql.placeholder('requestId'),
      externalId: sql.placeholder('externalId'),
      eventType: sql.placeholder('eventType'),
      providerAccountId: sql.placeholder('providerAccountId'),
      payloadJson: sql`${sql.placeholder('payload')}::json`,
    })
    .onConflictDoNothing()
    .returning(fresh)
    .prepare('insert_event');
}

/** One event by a statement that was built and parsed before: they come by the hundred a second, nearly always alone. */
async function insertEvent(db: Db, values: Record<string, unknown>): Promise<FreshEvent[]> {
  const statement = statements.get(db) ?? prepareInsert(db);
  statements.set(db, statement);
  return statement.execute(values);
}

/**
 * Stores the events of one request in one statement.
 * @returns those that are new; events that came before are left as they are
 */
export async function insertEvents(
  db: Db,
  provider: string,
  events: readonly NewEvent[],
  requestId: string | null = null,
): Promise<FreshEvent[]> {
  const [event, ...others] = events;
  if (event === undefined) return [];
  if (others.length === 0) return insertEvent(db, { ...event, provider, requestId });
  return db
    .insert(webhookEvents)
    .values(
      events.map(({ payload, ...rest }) => ({
        ...rest,
        provider,
        requestId,
        payloadJson: sql`${payload}::json`,
      })),
    )
    .onConflictDoNothing()
    .returning(fresh);
}

/** @throws Error when there is none */
export async function eventById(db: Db, id: string): Promise<StoredEvent> {
  const [event] = await db.select(columns).from(webhookEvents).where(eq(webhookEvents.id, id));
  if (event === undefined) throw new Error(`no event ${id}`);
  return event;
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
        lt(webhookEvents.receivedAt, sql`now() - interval '5 seconds'`),
      ),
    )
    .orderBy(webhookEvents.receivedAt)
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
    .where(inArray(webhookEvents.id, [...ids]));
}

/** An operator wants an event to be applied once more. @returns null when there is none */
export async function reopenEvent(db: Db, id: string): Promise<StoredEvent | null> {
  const [event] = await db
    .update(webhookEvents)
    .set({ processedAt: null, errorMessage: null, replayed: true })
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

/** Keeps why an event could not be applied, so far or for good. */
export async function noteEventError(
  db: Db,
  id: string,
  { message, retryCount }: { message: string; retryCount?: number },
): Promise<void> {
  await db
    .update(webhookEvents)
    .set({ errorMessage: message, ...(retryCount === undefined ? {} : { retryCount }) })
    .where(eq(webhookEvents.id, id));
}
