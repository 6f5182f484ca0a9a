import { and, type SQL, sql } from 'drizzle-orm';
import type { Db } from '../../db/client.ts';
import type { PassProgress } from '../../db/schema.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import { columnOf } from '../../db/sync/copy-columns.ts';
import { type Line, lockLine, lockPass, saveLine } from '../../db/sync/lines.ts';
import { controlOf, copiesNamed, countMissing, markMissing, missingCopies } from '../../db/sync/removals.ts';
import { HOUR, MINUTE } from '../../durations.ts';
import type { Stream } from '../../providers/reading.ts';
import type { Deps } from '../deps.ts';
import { confirm } from './confirm.ts';
import { completed, ended, reasonOf, resumed } from './passes.ts';
import { type Did, owner, type Reader } from './reader.ts';

/*
 * What a complete pass did not see is not gone yet: the provider is asked for it by id, and then for something that the
 * pass has just seen, which must still be there.
 */

/** More than this share and number of copies missing at once is rather a fault of the list. */
const MASS_SHARE = 0.2;
const MASS_NUMBER = 10;

/** The copies that a full pass has covered. */
function coveredBy({ copies: { media }, account }: Reader, stream: Stream, until: Date | null): SQL {
  const listed = media.listedIn?.(stream.name);
  const since =
    until === null
      ? undefined
      : sql`${columnOf(media.table, media.time)} >= ${until.toISOString()}::timestamptz`;
  return and(media.ofAccount(account.id), listed, since) ?? sql`true`;
}

/** What the end of a full pass means for the copies that it did not see. */
interface Absence {
  /** False: they are asked for by id before the pass ends. */
  isOver: boolean;
  pass: PassProgress;
  reached: { backfillComplete: true; fullPassCompletedAt?: Date; coveredUntil: Date | null };
}

/** Notes what a full pass did not see. */
export async function absenceAfter(
  tx: Db,
  reader: Reader,
  stream: Stream,
  line: Line,
  pass: PassProgress,
): Promise<Absence> {
  const isCut = stream.cap !== undefined && pass.seen >= stream.cap && pass.oldest !== undefined;
  const coveredUntil = isCut ? new Date(pass.oldest ?? 0) : null;
  const reached = {
    backfillComplete: true,
    coveredUntil,
    ...(pass.whole ? { fullPassCompletedAt: new Date() } : {}),
  } as const;
  const over: Absence = { isOver: true, pass, reached };
  const proves =
    stream.holds === 'media' && stream.absence === 'full_pass' && reader.reading.confirm !== undefined;
  if (!proves || !pass.whole) return over;
  const { media } = reader.copies;
  const where = coveredBy(reader, stream, coveredUntil);
  const { missing, covered } = await markMissing(tx, media, where, line.pass);
  if (missing === 0 || (await controlOf(tx, media, where, line.pass)) === null) return over;
  const isMass = missing > MASS_NUMBER && missing > covered * MASS_SHARE;
  return { isOver: false, pass: { ...pass, confirming: true, held: isMass ? missing : 0 }, reached };
}

/** Asks for some of the copies that the pass did not see; at last ends the pass. */
export async function confirmAbsent(deps: Deps, reader: Reader, stream: Stream, line: Line): Promise<Did> {
  const { db } = deps;
  const { pass } = line.progress;
  if (pass === undefined) return { calls: 0 };
  const { media } = reader.copies;
  const where = coveredBy(reader, stream, line.coveredUntil);
  const held = pass.held ?? 0;
  const missing = await missingCopies(db, media, sql`${where} and seen_pass is distinct from ${line.pass}`, {
    seconds: held > 0 ? HOUR / 1000 : 0,
    after: pass.checkedAfter ?? null,
    limit: reader.reading.confirmAtOnce ?? 1,
  });
  const control = await controlOf(db, media, where, line.pass);
  if (missing.length === 0 || control === null) {
    await endConfirming(db, reader, stream, line, pass);
    return { calls: 0 };
  }
  const check = { reader, stream, line, table: media, reason: stream.goneAs ?? 'absent' } as const;
  return confirm(
    deps,
    { ...check, missing, control, lock: (tx) => lockPass(tx, line) },
    async (tx, now, { gone }) =>
      saveLine(tx, now.id, {
        progress: {
          ...now.progress,
          pass: { ...pass, checkedAfter: missing.at(-1)?.id ?? '', changed: pass.changed || gone.length > 0 },
        },
      }),
  );
}

async function endConfirming(
  db: Db,
  reader: Reader,
  stream: Stream,
  line: Line,
  pass: PassProgress,
): Promise<void> {
  const where = coveredBy(reader, stream, line.coveredUntil);
  await db.transaction(async (tx) => {
    const held = await lockPass(tx, line);
    if (held === null) return;
    const missing = await countMissing(tx, reader.copies.media, where);
    const isHeld = (pass.held ?? 0) > 0 && missing > MASS_NUMBER;
    const progress = isHeld ? { ...held.progress, full: true } : held.progress;
    await saveLine(tx, held.id, {
      ...ended(stream, held, isHeld ? pass : { ...pass, held: 0 }, progress),
      reason: isHeld ? `removals_held: ${missing}` : reasonOf(pass),
    });
    await recordChanges(tx, owner(reader), [...resumed(held), completed(held, pass)]);
  });
}

/** How long a check by id without a clear answer waits. */
const UNSURE_AGAIN = 10 * MINUTE;

/** Asks for things that events say are deleted. */
export async function confirmGone(deps: Deps, reader: Reader, stream: Stream, line: Line): Promise<Did> {
  const { db } = deps;
  const { media, comments = media } = reader.copies;
  const table = stream.holds === 'comments' ? comments : media;
  const keys = (line.progress.gone ?? []).slice(0, reader.reading.confirmAtOnce ?? 1);
  const missing = await copiesNamed(db, table, reader.account.id, keys);
  const others = sql`${table.ofAccount(reader.account.id)} and ${columnOf(table.table, table.key)} <> all(${sql.param(keys)}::text[])`;
  const control = missing.length === 0 ? null : await controlOf(db, table, others, null);
  // Events may have named others meanwhile.
  const restOf = ({ progress: { gone = [] } }: Line): string[] => gone.filter((key) => !keys.includes(key));
  const drop = async (tx: Db, held: Line): Promise<void> =>
    saveLine(tx, held.id, { progress: { ...held.progress, gone: restOf(held) } });
  if (control === null || reader.reading.confirm === undefined) {
    await db.transaction(async (tx) => {
      const held = await lockLine(tx, line);
      if (held !== null) await drop(tx, held);
    });
    return { calls: 0 };
  }
  const check = { reader, stream, line, table, reason: 'event', urgent: true } as const;
  return confirm(
    deps,
    { ...check, missing, control, lock: (tx) => lockLine(tx, line) },
    async (tx, now, { unsure }) => {
      if (unsure.length === 0) await drop(tx, now);
      else
        await saveLine(tx, now.id, {
          progress: {
            ...now.progress,
            gone: [...restOf(now), ...keys],
            goneAfter: new Date(Date.now() + UNSURE_AGAIN).toISOString(),
          },
        });
    },
  );
}
