import { CancelledFailure } from '@temporalio/common';
import type { Attempt } from '../db/attempts.ts';
import { savePost } from '../db/post-progress.ts';
import { saveSettlement } from '../db/settlements.ts';
import { showingWrites, stateAfter, stepOf } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Chunk, PostContext, Transfer } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import { contextOf, endedWaiting, learnQuota, openPost, takeTurn } from './access.ts';
import { keyOf, lastAttempt, type LoadedPost, loadPost } from './loaded-post.ts';
import { alive, timesInARow, uninterruptedSignal } from './alive.ts';
import { isFinal } from '../db/schema.ts';
import type { Deps } from './deps.ts';
import { notYet, postError, tryAgain } from './failures.ts';
import { held } from './waiting.ts';
import { accountRefused, providerAway } from './waits.ts';
import { giveUpMade } from './verdict.ts';

/** Moves a post's file to the provider, chunk by chunk, from disk to socket. The offset is in PostgreSQL. */
export const createTransferActivities = (deps: Deps) => ({
  transferMedia: ({ postId, step }: { postId: string; step: string }): Promise<StepOutcome> =>
    alive(async (signal) => {
      const loaded = await loadPost(deps, postId);
      const { post, media } = loaded;
      if (isFinal(post.state)) return { kind: 'settled', state: post.state };
      if (media === null) throw new Error('a post without media has nothing to transfer');
      const ended = await endedWaiting(deps, loaded);
      if (ended !== null) return ended;
      const { of } = stepOf(post.plan, 'transfer', step);
      const write = lastAttempt(loaded, of);
      const way = loaded.provider.publishing.transfer;
      if (way === undefined) return sendNothing(deps, loaded, step, write);
      if (write?.status !== 'accepted')
        return { kind: 'repeat', step: of, ms: 0, why: 'The upload URL is gone' };
      // What it made was to be fetched: the account was connected the other way then.
      if (write.secretEncrypted === null) return expired(deps, { loaded, of });

      // Before the provider hears of it: a folder that is gone is told by its name.
      await deps.mediaStore.open(media.storageKey);
      const secret = await openSecret(deps, loaded, write);
      const transfer: Sending = { loaded, of, write, media, secret, way };
      try {
        const start = await resumeAt(deps, transfer, signal);
        return typeof start === 'number' ? await sendFrom(deps, transfer, start, step, signal) : start;
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        return interrupted(deps, transfer, error);
      }
    }),
});

interface Sending {
  loaded: LoadedPost;
  /** The write that told where to send to. */
  of: string;
  write: Attempt;
  media: NonNullable<LoadedPost['media']>;
  secret: string;
  way: Transfer;
}

async function openSecret({ envelope }: Deps, loaded: LoadedPost, write: Attempt): Promise<string> {
  if (write.secretEncrypted === null) throw new Error('the write has no secret');
  const aad = { table: 'publish_attempts', column: 'secret_encrypted', row: write.id, version: 1 };
  return envelope.open(keyOf(loaded), write.secretEncrypted, aad);
}

/** The first byte to send: where the provider stands, once anything was sent. */
async function resumeAt(deps: Deps, transfer: Sending, signal: AbortSignal): Promise<number | StepOutcome> {
  const { loaded, way } = transfer;
  const { post } = loaded;
  if (post.sentBytes === null) {
    await savePost(deps.db, post.id, { phase: 'upload', sentBytes: 0 });
    return 0;
  }
  const access = await openPost(deps, loaded, signal, 'transferring');
  if ('blocked' in access) return held(deps, post.id, access.blocked, access.why);
  await takeTurn(deps, loaded, 'upload');
  const received = (await way.receivedBytes(access.context)) ?? post.sentBytes;
  const start = firstAfter(transfer, received);
  // What arrived though its answer was lost: `hasArrived` trusts this number.
  if (start > post.sentBytes) await savePost(deps.db, post.id, { sentBytes: start });
  return start;
}

/** The next byte to send. The provider may count bytes or name the last one: both lie behind the chunk. */
function firstAfter({ media, way }: Sending, received: number): number {
  return way.chunks(media.size).find(({ last }) => last > received)?.first ?? media.size;
}

/** Fits into one try of the activity that asks. */
const ASK_MS = 20_000;

/**
 * Whether the provider has the whole file of a transfer that was stopped before it could say so, because its worker had died
 * or an answer was lost: then the post will be seen, and cannot be cancelled any more.
 * @returns null where it cannot be told
 */
export async function hasArrived(deps: Deps, loaded: LoadedPost): Promise<boolean | null> {
  const { post, media, provider } = loaded;
  const way = provider.publishing.transfer;
  // Where a later write shows the post, its bytes alone show nothing.
  const shown = showingWrites(post.plan).length > 0;
  if (media === null || way === undefined || shown || post.sentBytes === null) return false;
  // The last chunk is begun when all before it have been noted.
  const last = way.chunks(media.size).at(-1);
  if (last === undefined || post.sentBytes < last.first) return false;
  const access = await openPost(deps, loaded, AbortSignal.timeout(ASK_MS), 'transferring');
  if ('blocked' in access) return null;
  await takeTurn(deps, loaded, 'upload');
  try {
    const received = await way.receivedBytes(access.context);
    return received === null ? null : received >= last.last;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await learnQuota(deps, loaded, error);
    if (error.kind === 'unavailable') throw tryAgain(error);
    return null;
  }
}

async function sendFrom(
  deps: Deps,
  transfer: Sending,
  start: number,
  step: string,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { loaded, media, secret, way } = transfer;
  const { post } = loaded;
  const access = way.needsToken ? await openPost(deps, loaded, signal, 'transferring') : null;
  if (access !== null && 'blocked' in access) return held(deps, post.id, access.blocked, access.why);
  const context: PostContext = access?.context ?? { ...contextOf(deps, loaded, signal), accessToken: '' };
  const rest = way.chunks(media.size).filter(({ first }) => first >= start);
  for (const chunk of rest) {
    if (signal.aborted) throw new CancelledFailure('the transfer was stopped');
    const sent = await sendOne(deps, transfer, context, chunk, chunk === rest.at(-1));
    if (sent === 'out_of_step' || typeof sent === 'number') {
      if (sent !== 'out_of_step') await savePost(deps.db, post.id, { sentBytes: firstAfter(transfer, sent) });
      throw notYet('OutOfStep', 'the provider stands at another byte', 1000);
    }
    if (sent === 'expired')
      // Where an earlier try has begun the last chunk, all may have arrived: then a new write would make a second post.
      return (await hasArrived(deps, loaded)) === false ? expired(deps, transfer) : done(deps, loaded, step);
    // The last one is noted with the end of the step.
    if (sent === 'complete' || chunk === rest.at(-1)) break;
    await savePost(deps.db, post.id, { sentBytes: chunk.last + 1 });
  }
  return done(deps, loaded, step);

  function sendOne(
    { mediaStore }: Deps,
    { media: file }: Sending,
    base: PostContext,
    chunk: Chunk,
    isLast: boolean,
  ) {
    // After the last byte a post can no longer be stopped, so a cancellation does not cut the last chunk in half.
    const guarded = isLast ? { ...base, signal: uninterruptedSignal() } : base;
    return way.sendChunk(guarded, {
      ...chunk,
      total: file.size,
      secret,
      body: mediaStore.parts(file.storageKey, { start: chunk.first, end: chunk.last }),
    });
  }
}

/** The provider has the whole file. */
async function done({ db }: Deps, { post, media }: LoadedPost, step: string): Promise<StepOutcome> {
  const state = stateAfter(post.plan, step);
  await savePost(db, post.id, { state, phase: null, sentBytes: media?.size ?? null });
  return { kind: 'done', state, publishId: post.publishId };
}

/**
 * The account was connected another way since the plan was made, by which the provider fetches the file. What the write
 * before made is ready for that, unless it was made for an upload.
 */
async function sendNothing(
  deps: Deps,
  loaded: LoadedPost,
  step: string,
  write: Attempt | null,
): Promise<StepOutcome> {
  if (write === null || write.secretEncrypted === null) return done(deps, loaded, step);
  return expired(deps, { loaded, of: write.step });
}

/** The upload URL is dead. What was sent to it can never become visible; a new write makes a new one. */
async function expired({ db }: Deps, { loaded, of }: Pick<Sending, 'loaded' | 'of'>): Promise<StepOutcome> {
  const times = await db.transaction(async (tx) => {
    await savePost(tx, loaded.post.id, { sentBytes: null });
    return giveUpMade(tx, loaded, [of], 'upload_url_expired');
  });
  return { kind: 'repeat', step: of, ms: (times - 1) ** 2 * 2_000, why: 'The upload URL has expired' };
}

async function interrupted(deps: Deps, { loaded }: Sending, error: ProviderError): Promise<StepOutcome> {
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
