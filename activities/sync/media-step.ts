import type { Db } from '../../db/client.ts';
import type { PassProgress, Progress } from '../../db/schema.ts';
import { type Line, lockLine } from '../../db/sync/lines.ts';
import { type DueSubject, lockSubject, type SubjectLine } from '../../db/sync/subjects.ts';
import { noteCalls } from '../../db/sync/usage.ts';
import type { Page, Stream } from '../../providers/reading.ts';
import { type Reader, spender } from './reader.ts';

/* Shared by all that is read for one media. */

/** A page that was read for one media. */
export interface Step {
  reader: Reader;
  stream: Stream;
  line: Line;
  due: DueSubject;
  page: Page;
  pass: PassProgress;
  kind: string;
  /** What is known of comments that the platform does not tell: `withParents`. */
  absent: Readonly<Record<string, number>>;
  readAt: string;
}

/** Locks the line and the subject, and records the calls. @returns null: the page is dropped */
export async function lockBoth(
  tx: Db,
  { reader, stream, line, due, page }: Step,
): Promise<{ line: Line; subject: SubjectLine } | null> {
  const held = await lockLine(tx, line);
  const subject = held === null ? null : await lockSubject(tx, due.line);
  if (held === null || subject === null) return null;
  await noteCalls(tx, spender(reader), stream.bucket, { more: page.calls - 1, usage: page.usage });
  return { line: held, subject };
}

/** What was seen, and what could not be stored, is counted for the round of the whole stream. */
export function withSeen(progress: Progress, seen: number, refused = 0): Progress {
  const { pass } = progress;
  if (pass === undefined) return progress;
  const told = refused === 0 ? {} : { refused: (pass.refused ?? 0) + refused };
  return { ...progress, pass: { ...pass, seen: pass.seen + seen, ...told } };
}
