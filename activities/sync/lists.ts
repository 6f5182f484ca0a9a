import type { Db } from '../../db/client.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import { storeAccountInsights } from '../../db/sync/insights.ts';
import { type Line, lockPass, saveLine } from '../../db/sync/lines.ts';
import { endCopies } from '../../db/sync/removals.ts';
import { storeMedia, storeProfile, type Stored } from '../../db/sync/store-page.ts';
import { askForRestored, noteMovedCounts, noteSeen, type Seen } from '../../db/sync/subjects.ts';
import { noteCalls, takeCall } from '../../db/sync/usage.ts';
import type { PassProgress } from '../../db/schema.ts';
import type { Page, Question, Stream } from '../../providers/reading.ts';
import type { Item } from '../../reading.ts';
import type { Deps } from '../deps.ts';
import { absenceAfter } from './absent.ts';
import { forMedia, isTooOld } from './cadence.ts';
import {
  advanced,
  type Begun,
  afterSuccess,
  checkCursor,
  completed,
  counted,
  ended,
  reasonOf,
  resumed,
  runningPass,
} from './passes.ts';
import { learnt, refusedOf } from './refused-metrics.ts';
import { type Did, loginOf, owner, pageOf, type Reader, spender } from './reader.ts';
import { stopAfter, stopForBudget } from './stops.ts';

/* Reads the lists of an account, page by page: each page is stored before the next one is read. */

/** Reads the next page of a stream's list, and stores it. */
export async function readListPage(deps: Deps, reader: Reader, stream: Stream, from: Line): Promise<Did> {
  const { db } = deps;
  const begun = await runningPass(db, stream, from, loginOf(reader));
  if (begun === null) return { calls: 0 };
  const read = { reader, stream, line: begun.line };
  const grant = await takeCall(db, spender(reader), stream.bucket, begun.pass.urgent === true);
  if (grant.kind === 'refused') return stopForBudget(deps, read, grant);
  try {
    const page = await reader.reading.read(stream.name, questionOf(stream, begun), reader.call);
    checkCursor(reader.account.provider, begun, page);
    await db.transaction((tx) => storeListPage(tx, reader, stream, begun, page, grant.readAt));
    return { calls: page.calls, rows: page.items.length + (page.insights?.length ?? 0) };
  } catch (error) {
    return stopAfter(deps, read, error);
  }
}

const questionOf = ({ pageSize }: Stream, { line: { cursor, progress }, pass }: Begun): Question => ({
  cursor,
  subject: null,
  limit: progress.limit ?? pageSize,
  full: pass.mode === 'full',
  refused: refusedOf(progress, '', Date.now()),
});

/** Stores nothing if the line has moved meanwhile, or its account went out of service. */
async function storeListPage(
  tx: Db,
  reader: Reader,
  stream: Stream,
  begun: Begun,
  page: Page,
  readAt: string,
): Promise<void> {
  const line = await lockPass(tx, begun.line);
  if (line === null) return;
  const { stored, changed } = await storeItems(tx, reader, stream, line, page, readAt);
  await noteCalls(tx, spender(reader), stream.bucket, { more: page.calls - 1, usage: page.usage });
  const pass = advanced(begun.pass, page, loginOf(reader), { changed, refused: stored.refused });
  const progress = { ...learnt(afterSuccess(line.progress), '', page.refused ?? []), pass };
  const reason = reasonAfter(line, page, pass);
  const seen = counted(line, page.items.length, page.calls);
  const changes = [...stored.changes];
  if (page.next === null && pass.mode === 'full') {
    const absence = await absenceAfter(tx, reader, stream, line, pass);
    const end = absence.isOver
      ? ended(stream, line, pass, progress)
      : { nextDueAt: new Date(), progress: { ...progress, pass: absence.pass } };
    await saveLine(tx, line.id, {
      ...end,
      reason: absence.isOver ? reason : line.reason,
      ...absence.reached,
      ...seen,
    });
    // A stream without an order is read whole each time: only its first pass is news.
    const isNews = stream.order !== 'none' || !line.backfillComplete;
    if (absence.isOver) changes.push(...resumed(line), ...(isNews ? [completed(line, pass)] : []));
  } else if (page.next === null || (pass.mode === 'incremental' && isKnown(page.items, stored))) {
    await saveLine(tx, line.id, { ...ended(stream, line, pass, progress), reason, ...seen });
    changes.push(...resumed(line));
  } else {
    // An event's pass goes on at once, though its stream may wait for quota.
    const due = pass.urgent === true ? { nextDueAt: new Date() } : {};
    await saveLine(tx, line.id, { cursor: page.next, progress, state: 'running', reason, ...seen, ...due });
  }
  if (stream.holds === 'media') await endCopies(tx, reader.copies.media, reader.account.id);
  await recordChanges(tx, owner(reader), changes);
}

/** A removal that is held is shown until a full pass has decided. */
function reasonAfter({ reason }: Line, { missing = [] }: Page, pass: PassProgress): string | null {
  if (missing.length > 0) return `not granted: ${missing.join(', ')}`;
  return reason?.startsWith('removals_held') === true ? reason : reasonOf(pass);
}

async function storeItems(
  tx: Db,
  reader: Reader,
  stream: Stream,
  line: Line,
  { items, insights = [] }: Page,
  readAt: string,
): Promise<{ stored: Stored; changed: boolean }> {
  const page = pageOf(reader, { readAt, pass: line.pass, quiet: !line.backfillComplete });
  const nothing: Stored = { written: [], changes: [], refused: 0 };
  switch (stream.holds) {
    case 'profile': {
      const [item] = items;
      const stored = item === undefined ? nothing : await storeProfile(tx, page, item);
      return { stored, changed: stored.changes.length > 0 };
    }
    case 'account_insights': {
      const changes = await storeAccountInsights(tx, owner(reader), insights, readAt);
      return { stored: nothing, changed: changes > 0 };
    }
    case 'media':
    case 'comments':
    case 'media_insights': {
      const stored = await storeMedia(tx, page, items);
      const known = new Set(stored.written.map(({ key }) => key));
      const restored = stored.written.filter((row) => row.restored).map(({ key }) => key);
      await seeSubjects(
        tx,
        reader,
        items.filter(({ id }) => known.has(id)),
        restored,
      );
      return { stored, changed: stored.written.some(isChange) };
    }
  }
}

const isChange = ({ inserted, edited, counted: moved, restored }: Stored['written'][number]): boolean =>
  inserted || edited || moved || restored;

/** Makes the listed media subjects of the streams that are read for each media. */
async function seeSubjects(
  tx: Db,
  reader: Reader,
  items: readonly Item[],
  restored: readonly string[],
): Promise<void> {
  const whole = items.filter(({ parent }) => parent === undefined);
  const now = Date.now();
  for (const stream of reader.reading.streams.filter((one) => one.of === 'media')) {
    const seen = whole.map((item): Seen => {
      const comments = item.metrics?.['comments'] ?? item.metrics?.['replies'] ?? null;
      const isEmpty = stream.holds === 'comments' && (comments === 0 || item.quiet === true);
      const at = item.at?.getTime() ?? null;
      return { id: item.id, comments, due: !isEmpty && !isTooOld(forMedia(stream, item), now, at) };
    });
    await noteSeen(tx, owner(reader), stream.name, seen);
    await askForRestored(tx, reader.account.id, stream.name, restored);
    if (stream.holds === 'comments') await noteMovedCounts(tx, reader.account.id, stream.name, seen);
  }
}

/** Whether a page shows only media that earlier pages have shown: then the rest of the list is known too. */
function isKnown(items: readonly Item[], { written }: Stored): boolean {
  return items.length > 0 && !written.some(isNew);
}

const isNew = ({ inserted, restored, wasUnread }: Stored['written'][number]): boolean =>
  inserted || restored || wasUnread;
