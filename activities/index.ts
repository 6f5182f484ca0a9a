import type { Deps } from './deps.ts';
import { createDeleteActivities } from './delete.ts';
import { createEventActivities } from './events.ts';
import { createMediaActivities } from './media.ts';
import { createModerationActivities } from './moderation.ts';
import { createPostActivities } from './posts.ts';
import { createRecallActivities } from './recall.ts';
import { createSweepActivities } from './sweep.ts';
import { createSyncActivities } from './sync/slice.ts';
import { createTokenActivities } from './tokens.ts';
import { createTransferActivities } from './transfer.ts';
import { createVerdictActivities } from './verdict.ts';
import { createWriteActivities } from './write.ts';

export type { Deps } from './deps.ts';

/** All activities. */
export const createActivities = (deps: Deps) => ({
  ...createPostActivities(deps),
  ...createWriteActivities(deps),
  ...createTransferActivities(deps),
  ...createVerdictActivities(deps),
  ...createRecallActivities(deps),
  ...createDeleteActivities(deps),
  ...createTokenActivities(deps),
  ...createMediaActivities(deps),
  ...createEventActivities(deps),
  ...createSweepActivities(deps),
  ...createSyncActivities(deps),
  ...createModerationActivities(deps),
});

export type Activities = ReturnType<typeof createActivities>;
