import { sql } from 'drizzle-orm';
import type { Db } from '../../db/client.ts';
import type { CopyTable } from '../../db/provider-tables.ts';
import type { PassProgress, Progress } from '../../db/schema.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import { type Line, lockLine, saveLine } from '../../db/sync/lines.ts';
import {
  controlOf,
  markMissing,
  type Missing,
  missingCopies,
  restartMissing,
} from '../../db/sync/removals.ts';
import { storeComments } from '../../db/sync/store-page.ts';
import {
  belowMedia,
  type DueSubject,
  lockSubject,
  nextAfter,
  saveSubject,
  type SubjectLine,
} from '../../db/sync/subjects.ts';
import { MINUTE } from '../../durations.ts';
import type { Stream } from '../../providers/reading.ts';
import type { Deps } from '../deps.ts';
import { MOST_DOUBLINGS, nextSubjectRead } from './cadence.ts';
import { confirm } from './confirm.ts';
import { lockBoth, type Step, withSeen } from './media-step.ts';
import { advanced, afterSuccess, counted } from './passes.ts';
import { type Did, loginOf, owner, pageOf, type Reader } from './reader.ts';

/* Stores the comments below one media, page by page, and asks by id for those that are missing. */

/** Comments that are missing are asked for by id when they have been missing for so long. */
const MISSING_FOR = 10 * MINUTE;

export async function storeReplies(tx: Db, step: Step): Promise<void> {
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
    progress: withSeen(progress, page.items.length, refused),
  });
  if (page.next === null) await endReplies(tx, step, comments, subject, number, pass);
  else
    await saveSubject(tx, subject.id, {
      nextDueAt: due.line.nextDueAt,
      cursor: page.next,
      pass: number,
      complete: false,
      progress: { ...withAbsent(subject.progress, step), pass },
    });
  await recordChanges(tx, owner(reader), changes);
}

function withAbsent(progress: Progress, { absent }: Pick<Step, 'absent'>): Progress {
  const { absent: _before, ...rest } = afterSuccess(progress);
  return Object.keys(absent).length === 0 ? rest : { ...rest, absent: { ...absent } };
}

async function endReplies(
  tx: Db,
  { reader, stream, due, absent }: Step,
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
  // What is there after all, and is never listed, is asked for less and less often.
  const check = missing > 0 ? now + MISSING_FOR * 2 ** Math.min(streak, MOST_DOUBLINGS) : Infinity;
  const next = Math.min(usual ?? Infinity, check);
  const { pass: _over, ...progress } = withAbsent(subject.progress, { absent });
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
  const { comments, media } = reader.copies;
  if (comments === undefined) return { calls: 0 };
  const subject = due.line;
  const where = belowMedia(comments, media, reader.account.id, due.subject.id);
  const control = (await controlOf(deps.db, comments, where, subject.pass)) ?? due.subject.id;
  const lock = async (tx: Db): Promise<Line | null> => {
    const held = await lockLine(tx, line);
    return held === null || (await lockSubject(tx, subject)) === null ? null : held;
  };
  const urgent = subject.hintedAt !== null;
  const check = { reader, stream, line, subject, table: comments, missing, control, urgent, lock } as const;
  // What gives no answer is asked for again when it has been missing for as long once more.
  return confirm(deps, { ...check, reason: 'absent' }, (tx, _line, { unsure }) =>
    restartMissing(tx, comments, unsure),
  );
}
