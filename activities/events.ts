import { ApplicationFailure } from '@temporalio/common';
import { type Account, accountsOf, deactivate } from '../db/accounts.ts';
import { audit } from '../db/audit.ts';
import {
  eventById,
  findEventByExternalId,
  insertEvents,
  markEventProcessed,
  noteEventError,
} from '../db/events.ts';
import { concernedAccounts } from '../db/sync/hinted-accounts.ts';
import { applyHint } from '../db/sync/hints.ts';
import type { Post } from '../db/posts.ts';
import { adoptPublishId, postByPublishId } from '../db/publish-ids.ts';
import { withoutValues } from '../db/failures.ts';
import type { EventEffect } from '../providers/webhooks.ts';
import type { AppliedEvent, UnstoredEvent } from '../temporal/contract.ts';
import { wakeSync } from '../temporal/sync.ts';
import { loadPost } from './loaded-post.ts';
import { tryNumber } from './alive.ts';
import type { Deps } from './deps.ts';
import { notYet } from './failures.ts';
import { applyVerdict } from './settle-verdict.ts';

/** Applies the providers' events. Applying one twice is harmless. */
export const createEventActivities = (deps: Deps) => ({
  /** Stores an event that came while the database was away. @returns its id */
  async storeEvent(event: UnstoredEvent): Promise<string> {
    const [stored] = await insertEvents(deps.db, [{ ...event, requestId: null }]);
    // It may have arrived before, or an earlier try stored it and could not report so.
    const known = stored ?? (await findEventByExternalId(deps.db, event.provider, event.externalId));
    if (known === null) throw new Error('the event was not stored');
    return known.id;
  },

  /** @throws ApplicationFailure `NotYetKnown` while the event's post is unknown */
  async applyEvent({ eventId }: { eventId: string }): Promise<AppliedEvent> {
    try {
      return await apply(deps, eventId);
    } catch (error) {
      // Until the next try, the row says why; if it cannot be written, the log does.
      if (!(error instanceof ApplicationFailure))
        await noteEventError(deps.db, eventId, {
          message: withoutValues(error).message,
          retryCount: tryNumber(),
        }).catch(() => {});
      throw error;
    }
  },

  /** Keeps an event that could not be applied within 72 h, so that operators can see and replay it. */
  async keepEventError({ eventId, message }: { eventId: string; message: string }): Promise<void> {
    await noteEventError(deps.db, eventId, { message, givenUp: true });
  },
});

async function apply(deps: Deps, eventId: string): Promise<AppliedEvent> {
  const { db, providers } = deps;
  const applied: AppliedEvent = { posts: [], accounts: [] };
  const event = await eventById(db, eventId);
  if (event === null) return applied;
  const provider = providers.find(event.provider);
  if (provider === null) throw new Error(`no credentials are set for ${event.provider}`);
  const effect: EventEffect = provider.webhooks?.effect(event.eventType, event.payload) ?? { kind: 'none' };

  if (effect.kind === 'verdict') {
    const post =
      (await postByPublishId(db, event.provider, effect.publishId)) ?? (await lostPost(deps, event, effect));
    if (post === null) {
      await noteEventError(db, eventId, {
        message: 'no post has this publish id yet',
        retryCount: tryNumber(),
      });
      throw notYet('NotYetKnown', 'no post has this publish id yet');
    }
    applied.posts.push({
      postId: post.id,
      state: await applyVerdict(deps, await loadPost(deps, post.id), effect.verdict),
    });
  }
  if (effect.kind === 'account') {
    const known = await accountsOf(db, event.provider, effect.openId);
    if (known.length === 0) {
      await noteEventError(db, eventId, { message: 'no account has this id', retryCount: 0, givenUp: true });
      return applied;
    }
    for (const account of known)
      if (await takeOutOfService(deps, event, account, effect))
        applied.accounts.push({ provider: account.provider, accountId: account.id });
  }
  if (effect.kind === 'hint')
    for (const account of await concernedAccounts(db, event.provider, effect))
      if ((await applyHint(db, account, effect)) && deps.syncs) await wakeSync(deps.temporal, account);
  await markEventProcessed(db, eventId);
  return applied;
}

/** @returns whether the event is about the current connection of the account, not an earlier consent */
async function takeOutOfService(
  { db }: Deps,
  { id, provider }: { id: string; provider: string },
  account: Account,
  { status, reason, at }: Extract<EventEffect, { kind: 'account' }>,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const changed = await deactivate(tx, account.id, {
      status,
      reason,
      ...(at === null ? {} : { before: at }),
    });
    // A try that was interrupted after its commit has already recorded it.
    const again = account.status === status && account.statusReason === reason;
    if (changed !== null && !again)
      await audit(tx, {
        userId: account.userId,
        actor: provider,
        action: `account.${status}`,
        subject: account.id,
        details: { reason, eventId: id },
      });
    return changed !== null;
  });
}

/**
 * The post whose write lost its answer, if the event proves that something by the same person is live that no known
 * post made. A failure proves nothing: it may belong to a write that was repeated.
 */
async function lostPost(
  { db }: Deps,
  { provider, providerAccountId }: { provider: string; providerAccountId: string | null },
  { publishId, verdict }: Extract<EventEffect, { kind: 'verdict' }>,
): Promise<Post | null> {
  if (providerAccountId === null || verdict.kind === 'failed') return null;
  const live = verdict.kind === 'published' ? verdict.providerPostId : null;
  return adoptPublishId(db, { provider, openId: providerAccountId, publishId, providerPostId: live });
}
