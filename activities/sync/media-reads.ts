import { sql } from 'drizzle-orm';
import type { Db } from '../../db/client.ts';
import type { CopyTable } from '../../db/provider-tables.ts';
import type { PassProgress, Progress } from '../../db/schema.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import { storeMediaInsights } from '../../db/sync/insights.ts';
import { type Line, lockLine, saveLine } from '../../db/sync/lines.ts';
import { mergeMetrics } from '../../db/sync/metrics.ts';
import {
  controlOf,
  keepCopies,
  markMissing,
  type Missing,
  missingCopies,
  removeCopies,
} from '../../db/sync/removals.ts';
import { storeComments } from '../../db/sync/store-page.ts';
import {
  belowMedia,
  type DueSubject,
  lockSubject,
  nextAfter,
  saveSubject,
  type SubjectChange,
  type SubjectLine,
} from '../../db/sync/subjects.ts';
import { noteCalls, takeCall } from '../../db/sync/usage.ts';
import { MINUTE } from '../../durations.ts';
import type { Confirmed, Page, Stream } from '../../providers/reading.ts';
import type { MetricsState } from '../../reading.ts';
import type { Deps } from '../deps.ts';
import { forMedia, isTooOld, nextSubjectRead } from './cadence.ts';
import { noteComments } from './comment-counts.ts';
import { advanced, afterSuccess, checkCursor, counted } from './passes.ts';
import { learnt, refusedOf } from './refused-metrics.ts';
import { type Did, loginOf, owner, pageOf, type Reader, spender } from './reader.ts';
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
    await saveSubject(db, due.line.id, { nextDueAt: null, hintedAt: null, cursor: null, ...end });
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
    const page = await reader.reading.read(stream.name, question, reader.call);
    checkCursor(reader.account.provider, { line: { ...line, cursor: due.line.cursor }, pass }, page);
    const step = { reader, stream, line, due, page, pass, kind, readAt: grant.readAt };
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

/** A page that was read for one media. */
interface Step {
  reader: Reader;
  stream: Stream;
  line: Line;
  due: DueSubject;
  page: Page;
  pass: PassProgress;
  kind: string;
  readAt: string;
}

/** Locks the line and the subject, and records the calls. @returns null: the page is dropped */
async function lockBoth(
  tx: Db,
  { reader, stream, line, due, page }: Step,
): Promise<{ line: Line; subject: SubjectLine } | null> {
  const held = await lockLine(tx, line);
  const subject = held === null ? null : await lockSubject(tx, due.line);
  if (held === null || subject === null) return null;
  await noteCalls(tx, spender(reader), stream.bucket, { more: page.calls - 1, usage: page.usage });
  return { line: held, subject };
}

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
  const progress = learnt(afterSuccess(held.line.progress), kind, page.refused ?? []);
  await saveSubject(tx, held.subject.id, {
    ...nextAfter(held.subject, due.line.hintedAt, next === null ? null : new Date(next)),
    lastReadAt: new Date(now),
    metricsState: page.metricsState ?? (insights.length === 0 ? 'empty' : 'ok'),
    refusedMetrics: refusedOf(progress, kind, now),
    complete: true,
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

/** Comments that are missing are asked for by id when they have been missing for so long. */
const MISSING_FOR = 10 * MINUTE;

async function storeReplies(tx: Db, step: Step): Promise<void> {
  const { reader, due, page, readAt } = step;
  const { comments } = reader.copies;
  const held = comments === undefined ? null : await lockBoth(tx, step);
  if (held === null || comments === undefined) return;
  const { subject } = held;
  const isFirst = due.line.progress.pass === undefined;
  const number = isFirst ? subject.pass + 1 : subject.pass;
  const quiet = !held.line.backfillComplete;
  const { changes, written, refused } = await storeComments(
    tx,
    pageOf(reader, { readAt, pass: number, quiet }),
    comments,
    page.items,
  );
  const changed = written.some(({ inserted, edited, restored }) => inserted || edited || restored);
  const pass = advanced(step.pass, page, loginOf(reader), { changed, refused });
  const progress = afterSuccess(held.line.progress);
  await saveLine(tx, held.line.id, {
    ...counted(held.line, page.items.length, page.calls),
    state: 'running',
    progress: withRefused(progress, refused),
  });
  if (page.next === null) await endReplies(tx, step, comments, subject, number, pass);
  else
    await saveSubject(tx, subject.id, {
      nextDueAt: due.line.nextDueAt,
      cursor: page.next,
      pass: number,
      complete: false,
      progress: { ...subject.progress, pass },
    });
  await recordChanges(tx, owner(reader), changes);
}

/** The rows that could not be stored are counted for the round of the whole stream. */
function withRefused(progress: Progress, refused: number): Progress {
  const { pass } = progress;
  if (refused === 0 || pass === undefined) return progress;
  return { ...progress, pass: { ...pass, refused: (pass.refused ?? 0) + refused } };
}

async function endReplies(
  tx: Db,
  { reader, stream, due }: Step,
  comments: CopyTable,
  subject: SubjectLine,
  number: number,
  pass: PassProgress,
): Promise<void> {
  const where = belowMedia(comments, reader.copies.media, reader.account.id, due.subject.id);
  const proves = pass.whole && stream.absence !== 'none' && reader.reading.confirm !== undefined;
  const missing = proves ? (await markMissing(tx, comments, where, number)).missing : 0;
  const now = Date.now();
  const streak = pass.changed ? 0 : subject.unchangedStreak + 1;
  const usual = nextSubjectRead(stream, { now, at: due.subject.at?.getTime() ?? null, streak });
  const check = missing > 0 ? now + MISSING_FOR : Infinity;
  const next = Math.min(usual ?? Infinity, check);
  const { pass: _over, ...progress } = subject.progress;
  const answered = pass.hintedAt === undefined ? null : new Date(pass.hintedAt);
  await saveSubject(tx, subject.id, {
    ...nextAfter(subject, answered, next === Infinity ? null : new Date(next)),
    lastReadAt: new Date(now),
    cursor: null,
    pass: number,
    complete: pass.whole,
    progress,
    unchangedStreak: streak,
  });
}

/** The comments below a media that have been missing for long enough to be asked for by id. */
export async function missingReplies(
  db: Db,
  { copies, account, reading }: Reader,
  due: DueSubject,
): Promise<Missing[]> {
  if (copies.comments === undefined || reading.confirm === undefined || due.line.cursor !== null) return [];
  const where = belowMedia(copies.comments, copies.media, account.id, due.subject.id);
  return missingCopies(db, copies.comments, sql`${where} and seen_pass is distinct from ${due.line.pass}`, {
    seconds: MISSING_FOR / 1000,
    after: null,
    limit: reading.confirmAtOnce ?? 1,
  });
}

/** Asks by id for comments that passes do not see; the media itself is the control if no comment is left. */
export async function confirmReplies(
  deps: Deps,
  reader: Reader,
  stream: Stream,
  line: Line,
  due: DueSubject,
  missing: readonly Missing[],
): Promise<Did> {
  const { db } = deps;
  const { comments, media } = reader.copies;
  if (comments === undefined) return { calls: 0 };
  const read = { reader, stream, line, subject: due.line };
  const grant = await takeCall(db, spender(reader), stream.bucket, due.line.hintedAt !== null);
  if (grant.kind === 'refused') return stopForBudget(deps, read, grant);
  const where = belowMedia(comments, media, reader.account.id, due.subject.id);
  const control = (await controlOf(db, comments, where, due.line.pass)) ?? due.subject.id;
  try {
    const said = await reader.reading.confirm?.(
      stream.name,
      missing.map(({ key }) => key),
      control,
      reader.call,
    );
    if (said === undefined) return { calls: 0 };
    await db.transaction(async (tx) => {
      const held = await lockLine(tx, line);
      if (held === null || (await lockSubject(tx, due.line)) === null) return;
      await keepCopies(tx, comments, named(missing, said, 'here'));
      // What gives no answer is asked for again when it has been missing for as long once more.
      await restartMissing(tx, comments, named(missing, said, 'unsure'));
      const changes = await removeCopies(tx, comments, named(missing, said, 'gone'), 'absent', grant.readAt);
      await noteCalls(tx, spender(reader), stream.bucket, { more: said.calls - 1, usage: said.usage });
      await recordChanges(tx, owner(reader), changes);
    });
    return { calls: said.calls };
  } catch (error) {
    return stopAfter(deps, read, error);
  }
}

const named = (missing: readonly Missing[], { answers }: Confirmed, wanted: string): string[] =>
  missing.filter(({ key }) => (answers.get(key) ?? 'unsure') === wanted).map(({ id }) => id);

async function restartMissing(tx: Db, { table }: CopyTable, ids: readonly string[]): Promise<void> {
  if (ids.length > 0)
    await tx.execute(
      sql`update ${table} set missing_since = now() where id = any(${sql.param([...ids])}::uuid[])`,
    );
}
