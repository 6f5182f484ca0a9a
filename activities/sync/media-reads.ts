import type { Db } from '../../db/client.ts';
import type { PassProgress } from '../../db/schema.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import { storeMediaInsights } from '../../db/sync/insights.ts';
import { type Line, saveLine } from '../../db/sync/lines.ts';
import { mergeMetrics } from '../../db/sync/metrics.ts';
import { type DueSubject, nextAfter, saveSubject, type SubjectChange } from '../../db/sync/subjects.ts';
import { takeCall } from '../../db/sync/usage.ts';
import type { Stream } from '../../providers/reading.ts';
import type { MetricsState } from '../../reading.ts';
import type { Deps } from '../deps.ts';
import { forMedia, isTooOld, nextSubjectRead } from './cadence.ts';
import { noteComments } from './comment-counts.ts';
import { storeReplies } from './comments.ts';
import { lockBoth, type Step, withSeen } from './media-step.ts';
import { afterSuccess, checkCursor, counted } from './passes.ts';
import { learnt, refusedOf } from './refused-metrics.ts';
import { type Did, loginOf, owner, type Reader, spender } from './reader.ts';
import { withParents } from './parents.ts';
import { stopAfter, stopForBudget } from './stops.ts';

/* Reads what a provider tells of one media: its numbers, or the comments below it. */

/** Reads the next page of a stream for one media, and stores it. */
export async function readMedia(
  deps: Deps,
  reader: Reader,
  ofAll: Stream,
  line: Line,
  due: DueSubject,
): Promise<Did> {
  const { db } = deps;
  const stream = forMedia(ofAll, due.subject);
  const end = endOf(stream, due);
  if (end !== null) {
    await saveSubject(db, due.line.id, {
      nextDueAt: null,
      hintedAt: null,
      cursor: null,
      progress: {},
      ...end,
    });
    return { calls: 0 };
  }
  const read = { reader, stream, line, subject: due.line };
  const grant = await takeCall(db, spender(reader), stream.bucket, due.line.hintedAt !== null);
  if (grant.kind === 'refused') return stopForBudget(deps, read, grant);
  const kind = stream.kindOf?.(due.subject) ?? '';
  const pass = due.line.progress.pass ?? begin(loginOf(reader), due.line.hintedAt);
  const question = {
    cursor: due.line.cursor,
    subject: due.subject,
    limit: line.progress.limit ?? stream.pageSize,
    full: line.progress.pass?.mode === 'full',
    refused: refusedOf(line.progress, kind, Date.now()),
  };
  try {
    const told = await reader.reading.read(stream.name, question, reader.call);
    checkCursor(reader.account.provider, { line: { ...line, cursor: due.line.cursor }, pass }, told);
    const { page, absent } = await withParents(db, reader, stream, due, told);
    const step = { reader, stream, line, due, page, pass, kind, absent, readAt: grant.readAt };
    await db.transaction((tx) =>
      stream.holds === 'comments' ? storeReplies(tx, step) : storeNumbers(tx, step),
    );
    return { calls: page.calls, rows: page.items.length + (page.insights?.length ?? 0) };
  } catch (error) {
    return stopAfter(deps, read, error);
  }
}

/** What is left of a subject that can be read no more; null: it can be read. */
function endOf(stream: Stream, { line, subject, removed }: DueSubject): Partial<SubjectChange> | null {
  const { life } = stream;
  const { at } = subject;
  if (life !== undefined && at !== null && Date.now() - at.getTime() >= life.ends) {
    const last = at.getTime() + (life.readAt.at(-1) ?? 0);
    const isWhole = line.lastReadAt !== null && line.lastReadAt.getTime() >= last;
    return isWhole ? {} : { metricsState: 'expired' };
  }
  // A full pass has asked for every subject of its stream.
  return removed || isTooOld(stream, Date.now(), at?.getTime() ?? null) ? {} : null;
}

const begin = (login: string, hintedAt: Date | null): PassProgress => ({
  mode: 'full',
  whole: true,
  login,
  cursors: [],
  seen: 0,
  changed: false,
  ...(hintedAt === null ? {} : { hintedAt: hintedAt.toISOString() }),
});

/** Only a full pass asks again. */
const FOR_GOOD = new Set<MetricsState | undefined>(['before_conversion', 'not_supported', 'expired']);

async function storeNumbers(tx: Db, step: Step): Promise<void> {
  const { reader, stream, due, page, kind, readAt } = step;
  const held = await lockBoth(tx, step);
  if (held === null) return;
  const { subject } = due;
  const insights = page.insights ?? [];
  const numbers = insights.map((one) => ({ ...one, subject: subject.id }));
  const moved = (await storeMediaInsights(tx, owner(reader), numbers, 'insights', readAt)).length > 0;
  const row = await mergeMetrics(tx, reader.copies.media, reader.account.id, subject.id, insights);
  const now = Date.now();
  const streak = moved ? 0 : held.subject.unchangedStreak + 1;
  const usual = nextSubjectRead(stream, { now, at: subject.at?.getTime() ?? null, streak });
  const next = FOR_GOOD.has(page.metricsState) ? null : usual;
  const counts = withSeen(afterSuccess(held.line.progress), numbers.length);
  const progress = learnt(counts, kind, page.refused ?? []);
  await saveSubject(tx, held.subject.id, {
    ...nextAfter(held.subject, due.line.hintedAt, next === null ? null : new Date(next)),
    lastReadAt: new Date(now),
    metricsState: page.metricsState ?? (insights.length === 0 ? 'empty' : 'ok'),
    refusedMetrics: refusedOf(progress, kind, now),
    complete: true,
    progress: afterSuccess(held.subject.progress),
    unchangedStreak: streak,
  });
  await saveLine(tx, held.line.id, {
    ...counted(held.line, numbers.length, page.calls),
    state: 'running',
    progress,
  });
  await noteComments(tx, reader, subject.id, insights);
  if (moved && row !== null)
    await recordChanges(tx, owner(reader), [
      {
        kind: 'insights.updated',
        subjectTable: row.table,
        subjectId: row.id,
        data: { providerMediaId: subject.id },
      },
    ]);
}
