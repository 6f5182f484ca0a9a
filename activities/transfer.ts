import { CancelledFailure } from '@temporalio/common';
import type { Attempt } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { isFinal } from '../db/schema.ts';
import { saveSettlement } from '../db/settlements.ts';
import { forgetSent, noteMade, noteSent, type PartRef } from '../db/transfers.ts';
import { lastTransfer, showingWrites, stateAfter, stepAfter, type StepOf, stepOf } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Chunk, Made, PostContext, Received } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { alive, timesInARow, uninterruptedSignal } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import { lastAttempt, type LoadedPost, loadPost } from './loaded-post.ts';
import { giveUpMade } from './make-again.ts';
import { contextOf, openPost } from './open-post.ts';
import { learnQuota, takeTurn } from './quota-turns.ts';
import { deliveryOf, fileOf, firstAfter, placeOf, type Sending, sentSoFar } from './sending.ts';
import { applyVerdict } from './settle-verdict.ts';
import { endWaiting, showReason } from './waiting.ts';
import { accountRefused, providerAway } from './waiting-reasons.ts';

/** Streams a post's files to the provider, chunk by chunk. The offsets are in PostgreSQL. */
export const createTransferActivities = (deps: Deps) => ({
  transferMedia: ({ postId, step: name }: { postId: string; step: string }): Promise<StepOutcome> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      const { post } = loaded;
      if (isFinal(post.state)) return { kind: 'settled', state: post.state };
      const step = stepOf(post.plan, 'transfer', name);
      const file = fileOf(loaded, step);
      const ended = await endWaiting(deps, loaded);
      if (ended !== null) return ended;
      const write = lastAttempt(loaded, step.of);
      const way = loaded.provider.publishing.transfer;
      if (way === undefined) return skipTransfer(deps, loaded, step, write);
      if (write?.status !== 'accepted')
        return { kind: 'repeat', step: step.of, ms: 0, why: 'The upload URL is gone' };
      // The provider was to fetch this file: the account was connected another way then.
      if (write.secretEncrypted === null) return recordExpired(deps, loaded, write);

      // Before the provider is called, so that a missing folder is reported by its name.
      await deps.mediaStore.open(file.storageKey);
      const sending: Sending = { loaded, step, write, file, way };
      try {
        const start = await resumeAt(deps, sending, signal);
        return 'bytes' in start ? await sendFrom(deps, sending, start, signal) : start;
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        return applyInterruption(deps, loaded, error);
      }
    }),
});

/** The first byte to send: once anything was sent, the provider's offset. */
async function resumeAt(deps: Deps, sending: Sending, signal: AbortSignal): Promise<Received | StepOutcome> {
  const { loaded, step, way } = sending;
  const sent = sentSoFar(sending);
  if (sent === null) {
    await noteSent(deps.db, placeOf(sending), { bytes: 0 }, { phase: step.name });
    return { bytes: 0 };
  }
  const access = await openPost(deps, loaded, signal, 'transferring');
  if ('blocked' in access) return showReason(deps, loaded.post.id, access.blocked, access.why);
  await takeTurn(deps, loaded, step.name);
  const received = await way.received(access.context, await deliveryOf(deps, sending));
  const start = firstAfter(sending, received?.bytes ?? sent);
  // Bytes that arrived although their answer was lost: `hasArrived` relies on this number.
  if (start > sent) await noteSent(deps.db, placeOf(sending), { bytes: start });
  return { ...received, bytes: start };
}

/** Fits into one try of the activity that calls it. */
const ASK_MS = 20_000;

/**
 * Whether the provider has the whole file of an interrupted transfer (its worker died, or an answer was lost): then the
 * post will become visible, and cannot be cancelled any more.
 * @returns null if that is unknown
 */
export async function hasArrived(deps: Deps, loaded: LoadedPost): Promise<boolean | null> {
  const step = lastTransfer(loaded.post.plan);
  const way = loaded.provider.publishing.transfer;
  // If a later write makes the post visible, its bytes alone do not.
  if (step === null || way === undefined || showingWrites(loaded.post.plan).length > 0) return false;
  const write = lastAttempt(loaded, step.of);
  if (write?.status !== 'accepted') return false;
  const sending: Sending = { loaded, step, write, file: fileOf(loaded, step), way };
  const sent = sentSoFar(sending);
  // The last chunk is only begun once all earlier ones are recorded.
  const last = way.chunks(sending.file.size).at(-1);
  if (sent === null || last === undefined || sent < last.first) return false;
  const access = await openPost(deps, loaded, AbortSignal.timeout(ASK_MS), 'transferring');
  if ('blocked' in access) return null;
  await takeTurn(deps, loaded, step.name);
  try {
    const received = await way.received(access.context, await deliveryOf(deps, sending));
    if (received?.made !== undefined) await noteMade(deps.db, placeOf(sending), received.made);
    return received === null ? null : received.bytes >= last.last;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await learnQuota(deps, loaded, error);
    if (error.kind === 'unavailable') throw tryAgain(error);
    return null;
  }
}

async function sendFrom(
  deps: Deps,
  sending: Sending,
  start: Received,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { loaded, step, file, way } = sending;
  const access = way.needsToken ? await openPost(deps, loaded, signal, 'transferring') : null;
  if (access !== null && 'blocked' in access)
    return showReason(deps, loaded.post.id, access.blocked, access.why);
  const context: PostContext = access?.context ?? { ...contextOf(deps, loaded, signal), accessToken: '' };
  const delivery = await deliveryOf(deps, sending);
  const rest = way.chunks(file.size).filter(({ first }) => first >= start.bytes);
  for (const chunk of rest) {
    if (signal.aborted) throw new CancelledFailure('the transfer was stopped');
    const isLast = chunk === rest.at(-1);
    // After the last byte a post can no longer be stopped, so a cancellation does not interrupt the last chunk.
    const guarded = isLast ? { ...context, signal: uninterruptedSignal() } : context;
    const body = deps.mediaStore.parts(file.storageKey, { start: chunk.first, end: chunk.last });
    const sent = await way.sendChunk(guarded, delivery, { ...chunk, body });
    switch (sent.kind) {
      case 'out_of_step':
        if (sent.bytes !== undefined)
          await noteSent(deps.db, placeOf(sending), { bytes: firstAfter(sending, sent.bytes) });
        throw notYet('OutOfStep', 'the provider stands at another byte', 1000);
      case 'expired':
        return (await mayHaveArrived(deps, loaded, step))
          ? recordDone(deps, sending, {})
          : recordExpired(deps, loaded, sending.write);
      case 'complete':
        return recordDone(deps, sending, { made: sent.made, part: partOf(chunk, sent) });
      case 'stored':
        // The last one is recorded together with the end of the step.
        if (isLast) return recordDone(deps, sending, { part: partOf(chunk, sent) });
        await noteSent(deps.db, placeOf(sending), { bytes: chunk.last + 1, part: partOf(chunk, sent) });
    }
  }
  return recordDone(deps, sending, { made: start.made });
}

/**
 * If an earlier try has begun the last chunk, everything may have arrived: then a new write would make a second post.
 */
async function mayHaveArrived(deps: Deps, loaded: LoadedPost, step: StepOf<'transfer'>): Promise<boolean> {
  const isLast = lastTransfer(loaded.post.plan)?.name === step.name;
  return isLast && (await hasArrived(deps, loaded)) !== false;
}

const partOf = ({ first }: Chunk, { reference }: { reference?: string }): PartRef | undefined =>
  reference === undefined ? undefined : { first, reference };

/** The provider has the whole file. The result is one commit with the end of the post, if the plan ends here. */
async function recordDone(
  { db }: Deps,
  sending: Sending,
  { made, part }: { made?: Made | undefined; part?: PartRef | undefined },
): Promise<StepOutcome> {
  const { loaded, step, file } = sending;
  const { plan, publishId } = loaded.post;
  const state = stateAfter(plan, step.name);
  const place = placeOf(sending);
  const sent = { bytes: file.size, part };
  const next: StepOutcome = { kind: 'done', state, publishId: made?.publishId ?? publishId };
  const isEnd = stepAfter(plan, step.name) === null;
  if (made === undefined && !isEnd) {
    await noteSent(db, place, sent, { state, phase: null });
    return next;
  }
  return db.transaction(async (tx) => {
    await noteSent(tx, place, sent, { state, phase: null });
    if (made !== undefined) await noteMade(tx, place, made);
    if (!isEnd) return next;
    const providerPostId = made?.providerPostId ?? null;
    const verdict = { kind: 'published', status: 'PUBLISHED', providerPostId } as const;
    return { kind: 'settled', state: await applyVerdict({ db: tx }, loaded, verdict) };
  });
}

/**
 * The account is now connected another way, in which the provider fetches the file. The result of the earlier write
 * fits that, unless it was made for an upload.
 */
async function skipTransfer(
  deps: Deps,
  loaded: LoadedPost,
  step: StepOf<'transfer'>,
  write: Attempt | null,
): Promise<StepOutcome> {
  if (write !== null && write.secretEncrypted !== null) return recordExpired(deps, loaded, write);
  const { id, plan, publishId } = loaded.post;
  const state = stateAfter(plan, step.name);
  await savePost(deps.db, id, { state, phase: null, sentBytes: fileOf(loaded, step).size });
  return { kind: 'done', state, publishId };
}

/** The upload URL is dead. Bytes sent to it can never become visible; a new write makes a new URL. */
async function recordExpired({ db }: Deps, loaded: LoadedPost, { id, step }: Attempt): Promise<StepOutcome> {
  const times = await db.transaction(async (tx) => {
    await forgetSent(tx, { postId: loaded.post.id, attemptId: id });
    return giveUpMade(tx, loaded, [step], 'upload_url_expired');
  });
  return { kind: 'repeat', step, ms: (times - 1) ** 2 * 2_000, why: 'The upload URL has expired' };
}

async function applyInterruption(deps: Deps, loaded: LoadedPost, error: ProviderError): Promise<StepOutcome> {
  const { post, account } = loaded;
  if (error.kind === 'token') return { kind: 'token_refused', tokenVersion: account.tokenVersion };
  await learnQuota(deps, loaded, error);
  if (error.kind !== 'rejected' && timesInARow(error.code) < error.tries) {
    const needsCreator = error.kind === 'account' || error.kind === 'grant';
    await savePost(deps.db, post.id, {
      waiting: needsCreator ? accountRefused(loaded, error) : providerAway(error),
    });
    throw tryAgain(error);
  }
  const { state } = await saveSettlement(deps.db, post.id, { state: 'failed', error: postError(error) });
  return { kind: 'settled', state };
}
