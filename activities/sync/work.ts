import type { Db } from '../../db/client.ts';
import { isPublishing } from '../../db/sync/due.ts';
import { type Line, linesOf, lockLine, saveLine } from '../../db/sync/lines.ts';
import { recordChanges } from '../../db/sync/changes.ts';
import {
  askForSubjects,
  countFailed,
  type DueSubject,
  nextDue,
  nextSubject,
} from '../../db/sync/subjects.ts';
import type { PassProgress } from '../../db/schema.ts';
import type { Stream } from '../../providers/reading.ts';
import type { Deps } from '../deps.ts';
import { confirmAbsent, confirmGone } from './absent.ts';
import { readListPage } from './lists.ts';
import { confirmReplies, missingReplies } from './comments.ts';
import { readMedia } from './media-reads.ts';
import { afterSuccess, completed, isFullDue, reasonOf, resumed } from './passes.ts';
import { type Did, loginOf, missingScopes, owner, type Reader } from './reader.ts';
import { stopWithoutScopes } from './stops.ts';

/* Chooses what an account's round does next. */

/** A step of a round; `words` say in the Temporal UI what it has done. */
export interface Work {
  words: string;
  do: () => Promise<Did>;
}

interface Candidate {
  stream: Stream;
  line: Line;
}

/**
 * The next step, most urgent first: what ends soon, what an event or a client asked for, the profile, new media, due
 * numbers, due comments, and at last the backfill, which waits while the account publishes.
 * @returns null if nothing is due
 */
export async function nextWork(deps: Deps, reader: Reader): Promise<Work | null> {
  const { db } = deps;
  const { callsRefusedUntil } = reader.account;
  // The platform refuses every call, and may refuse them for longer after one more.
  if (callsRefusedUntil !== null && callsRefusedUntil > new Date()) return null;
  const all = (await linesOf(db, reader.account.id)).flatMap((line): Candidate[] => {
    const stream = reader.reading.streams.find(({ name }) => name === line.stream);
    return stream === undefined ? [] : [{ stream, line }];
  });
  const open = all.filter(({ line }) => isOpen(line));
  // What events ask for goes on when the others wait for quota.
  const awake = all.filter(({ line }) => isOpen(line) || line.state === 'waiting_quota');
  for (const { stream, line } of open) {
    const missing = missingScopes(stream, reader);
    if (missing.length > 0 && isDue(line))
      return {
        words: `Found no permission to read ${stream.name}`,
        do: () => stopWithoutScopes(deps, { reader, stream, line }, missing),
      };
  }
  const lists = open.filter(({ stream, line }) => stream.of === 'account' && isDue(line));
  const ending = lists.find(({ stream }) => stream.life !== undefined);
  if (ending !== undefined) return readList(deps, reader, ending);
  const last = await firstSubject(deps, reader, open.filter(isOfMedia), 'ending');
  if (last !== null) return last;
  const gone = awake.find(({ line }) => hasGone(line));
  if (gone !== undefined)
    return {
      words: `Checked ${gone.stream.name} that an event calls deleted`,
      do: () => confirmGone(deps, reader, gone.stream, gone.line),
    };
  const hinted = await firstSubject(deps, reader, awake.filter(isOfMedia), 'hinted');
  if (hinted !== null) return hinted;
  const news =
    awake.find(({ stream, line }) => stream.of === 'account' && isUrgent(line)) ??
    lists.find(({ line, stream }) => !isBackfill(line) && stream.holds !== 'account_insights');
  if (news !== undefined) return readList(deps, reader, news);
  // What the account has never read, and the rest of a long list, are backfill.
  const isBusy = await isPublishing(db, reader.account);
  const may = ({ line }: Candidate): boolean => !isBusy || (line.backfillComplete && !isBackfill(line));
  const rest = lists.filter(may);
  const numbers = rest.find(({ stream }) => stream.holds === 'account_insights');
  if (numbers !== undefined) return readList(deps, reader, numbers);
  const [backfill] = rest;
  const subjects = open.filter((one) => isOfMedia(one) && may(one));
  return (
    (await firstSubject(deps, reader, subjects)) ??
    (backfill === undefined ? null : readList(deps, reader, backfill)) ??
    (await firstEnd(db, reader, subjects))
  );
}

const isOfMedia = ({ stream }: Candidate): boolean => stream.of === 'media';

/** An event asks for the newest page of a list whose stream waits for quota. */
const isUrgent = ({ state, progress }: Line): boolean =>
  state === 'waiting_quota' && progress.hinted === true && progress.pass === undefined;

/** Whether anything may be asked now. */
function isOpen({ state, nextDueAt, progress }: Line): boolean {
  if (state === 'paused' || state === 'unsupported' || state === 'permission_missing') return false;
  const isHeld = state === 'waiting_quota' || state === 'failed' || progress.failures !== undefined;
  return !isHeld || (nextDueAt !== null && nextDueAt <= new Date());
}

const isDue = ({ nextDueAt, progress }: Line): boolean =>
  (nextDueAt !== null && nextDueAt <= new Date()) || progress.pass?.confirming === true;

/** A pass in the middle of a long list. */
const isBackfill = ({ progress: { pass }, cursor }: Line): boolean =>
  pass?.mode === 'full' && cursor !== null;

function hasGone({ progress: { gone = [], goneAfter } }: Line): boolean {
  return gone.length > 0 && (goneAfter === undefined || Date.parse(goneAfter) <= Date.now());
}

function readList(deps: Deps, reader: Reader, { stream, line }: Candidate): Work {
  return line.progress.pass?.confirming === true
    ? {
        words: `Checked ${stream.name} that the list no longer shows`,
        do: () => confirmAbsent(deps, reader, stream, line),
      }
    : { words: `Read ${stream.name}`, do: () => readListPage(deps, reader, stream, line) };
}

async function firstSubject(
  deps: Deps,
  reader: Reader,
  subjects: readonly Candidate[],
  only?: 'hinted' | 'ending',
): Promise<Work | null> {
  for (const { stream, line: before } of subjects) {
    const line = only === undefined ? await beginSubjects(deps.db, reader, stream, before) : before;
    const due = await nextSubject(deps.db, reader.account.id, stream.name, reader.copies, only);
    if (due !== null) return readOne(deps, reader, { stream, line }, due);
  }
  return null;
}

function readOne(deps: Deps, reader: Reader, { stream, line }: Candidate, due: DueSubject): Work {
  return {
    words: `Read ${stream.name} media by media`,
    do: async () => {
      const missing = stream.holds === 'comments' ? await missingReplies(deps.db, reader, due) : [];
      return missing.length > 0
        ? confirmReplies(deps, reader, stream, line, due, missing)
        : readMedia(deps, reader, stream, line, due);
    },
  };
}

/** A full pass asks for every subject of the stream. @returns the line in its pass */
async function beginSubjects(db: Db, reader: Reader, stream: Stream, line: Line): Promise<Line> {
  if (line.progress.pass !== undefined || !isDue(line)) return line;
  const isFull =
    line.progress.full === true || (line.backfillComplete && isFullDue(stream, line, Date.now()));
  const pass: PassProgress = {
    mode: isFull || !line.backfillComplete ? 'full' : 'incremental',
    whole: true,
    login: loginOf(reader),
    cursors: [],
    seen: 0,
    changed: false,
  };
  return db.transaction(async (tx) => {
    const held = await lockLine(tx, line);
    if (held === null || held.progress.pass !== undefined) return held ?? line;
    if (isFull) await askForSubjects(tx, reader.account.id, stream.name);
    const { full: _begins, hinted: _seen, ...progress } = held.progress;
    const change = { passStartedAt: new Date(), state: 'running', progress: { ...progress, pass } } as const;
    await saveLine(tx, held.id, change);
    return { ...held, ...change };
  });
}

/** Ends the round of a stream whose subjects have all been read. */
async function firstEnd(db: Db, reader: Reader, subjects: readonly Candidate[]): Promise<Work | null> {
  const lines = await linesOf(db, reader.account.id);
  const media = lines.find(({ stream }) => stream === 'media');
  for (const { stream } of subjects) {
    const line = lines.find((one) => one.stream === stream.name);
    if (line === undefined || !isOpen(line)) continue;
    const isRunning = line.progress.pass !== undefined || line.state === 'running' || isDue(line);
    if (isRunning)
      return {
        words: `Finished ${stream.name}`,
        do: () => endSubjects(db, reader, stream, line, media),
      };
  }
  return null;
}

async function endSubjects(
  db: Db,
  reader: Reader,
  stream: Stream,
  read: Line,
  media: Line | undefined,
): Promise<Did> {
  const next = await nextDue(db, reader.account.id, stream.name);
  const full = stream.fullEvery === null ? null : new Date(Date.now() + stream.fullEvery);
  await db.transaction(async (tx) => {
    const line = await lockLine(tx, read);
    if (line === null) return;
    const { pass, hinted: _seen, told: _over, ...progress } = afterSuccess(line.progress);
    // Put off, and still to be read.
    const failed = await countFailed(tx, line.oauthAccountId, stream.name);
    // Asked for while this round was running.
    const asked = progress.full === true ? new Date() : null;
    // None is due, so each media of a list that was read to its end has been read, but those that failed.
    const isComplete =
      media?.backfillComplete === true && (line.backfillComplete ? pass?.mode === 'full' : failed === 0);
    await saveLine(tx, line.id, {
      state: 'idle',
      reason: reasonOf(pass, failed),
      passStartedAt: null,
      pass: line.pass + 1,
      ...(failed === 0 ? { lastSuccessAt: new Date() } : {}),
      nextDueAt:
        [next, full, asked].filter((at) => at !== null).toSorted((a, b) => a.getTime() - b.getTime())[0] ??
        null,
      ...(isComplete ? { backfillComplete: true, fullPassCompletedAt: new Date() } : {}),
      progress,
    });
    const changes = [...resumed(line), ...(isComplete ? [completed(line, pass ?? null)] : [])];
    await recordChanges(tx, owner(reader), changes);
  });
  return { calls: 0 };
}
