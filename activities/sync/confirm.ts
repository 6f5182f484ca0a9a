import type { Db } from '../../db/client.ts';
import type { CopyTable } from '../../db/provider-tables.ts';
import type { RemovedReason } from '../../db/schema/columns.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import { type Line, saveLine } from '../../db/sync/lines.ts';
import { keepCopies, type Missing, removeCopies } from '../../db/sync/removals.ts';
import type { SubjectLine } from '../../db/sync/subjects.ts';
import { noteCalls, takeCall } from '../../db/sync/usage.ts';
import type { Stream } from '../../providers/reading.ts';
import type { Deps } from '../deps.ts';
import { counted } from './passes.ts';
import { type Did, owner, type Reader, spender } from './reader.ts';
import { stopAfter, stopForBudget } from './stops.ts';

/** Copies that may be gone, to be asked for by id. */
interface Check {
  reader: Reader;
  stream: Stream;
  line: Line;
  /** Only for streams of media. */
  subject?: SubjectLine;
  table: CopyTable;
  missing: readonly Missing[];
  /** The provider's id of something that must still be there. */
  control: string;
  reason: RemovedReason;
  /** An event asked for it: it goes on where others wait for quota. */
  urgent?: boolean;
  /** Locks the line; null: it has moved on, and the answer is dropped. */
  lock: (tx: Db) => Promise<Line | null>;
}

/** The rows of the copies, by what the provider says of them. */
type Answers = Record<'here' | 'gone' | 'unsure', string[]>;

/** Asks for copies by id, and stores the answer. @param save what else to store with it */
export async function confirm(
  deps: Deps,
  { reader, stream, line, subject, table, missing, control, reason, urgent = false, lock }: Check,
  save: (tx: Db, line: Line, answers: Answers) => Promise<void>,
): Promise<Did> {
  const { db } = deps;
  const read = { reader, stream, line, ...(subject === undefined ? {} : { subject }) };
  const grant = await takeCall(db, spender(reader), stream.bucket, urgent);
  if (grant.kind === 'refused') return stopForBudget(deps, read, grant);
  try {
    const keys = missing.map(({ key }) => key);
    const said = await reader.reading.confirm?.(stream.name, keys, control, reader.call);
    if (said === undefined) return { calls: 0 };
    await db.transaction(async (tx) => {
      const held = await lock(tx);
      if (held === null) return;
      const answers: Answers = { here: [], gone: [], unsure: [] };
      for (const { id, key } of missing) answers[said.answers.get(key) ?? 'unsure'].push(id);
      await keepCopies(tx, table, answers.here);
      const changes = await removeCopies(tx, table, answers.gone, reason, grant.readAt);
      await noteCalls(tx, spender(reader), stream.bucket, { more: said.calls - 1, usage: said.usage });
      await saveLine(tx, held.id, counted(held, 0, said.calls));
      await save(tx, held, answers);
      await recordChanges(tx, owner(reader), changes);
    });
    return { calls: said.calls };
  } catch (error) {
    return stopAfter(deps, read, error);
  }
}
