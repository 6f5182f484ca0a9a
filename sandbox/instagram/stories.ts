import { tellChange } from './events.ts';
import type { Instagram } from './context.ts';
import type { Media } from './state.ts';

const DAY_MS = 86_400_000;
const JOB = 'instagram.story-end';

/** A story ends after 24 hours; Facebook Login then gets its last numbers (instagram-facts 8.5). */
export function registerStories(instagram: Instagram): void {
  instagram.core.jobs.on(JOB, (id) => {
    const story = instagram.state.media.find((media) => media.id === id);
    if (story !== undefined && instagram.options.storyInsightsEvents) tellStoryInsights(instagram, story);
  });
}

export function endStoryLater({ core }: Instagram, { id, createdAt }: Media): void {
  if (createdAt + DAY_MS > core.clock.now()) core.jobs.at(createdAt + DAY_MS, JOB, id);
}

/** Old names, and -1 for values below five (instagram-facts 8.5). */
export function tellStoryInsights(instagram: Instagram, { accountId, breakdowns, id, ...story }: Media) {
  const taps = breakdowns['navigation'] ?? {};
  const value = {
    media_id: id,
    impressions: low(story.views),
    reach: low(story.reach),
    taps_forward: low(taps['TAP_FORWARD'] ?? 0),
    taps_back: low(taps['TAP_BACK'] ?? 0),
    exits: low(taps['TAP_EXIT'] ?? 0),
    replies: low(story.metrics['replies'] ?? 0),
  };
  return tellChange(instagram, accountId, 'story_insights', value);
}

function low(value: number): number {
  return value < 5 ? -1 : value;
}
