import type { Hint, Insight, Item } from '../../reading.ts';
import { id, record, text, word } from '../json.ts';
import { rawOf } from '../meta/reads.ts';
import type { Json } from '../meta/webhooks.ts';
import type { EventEffect } from '../webhooks.ts';
import { numberOf } from './numbers.ts';

const NONE: EventEffect = { kind: 'none' };

/** What an event asks sync to look at (instagram-facts 8.5). Events are hints: what Instagram answers counts. */
export function hintOf(change: Json): EventEffect {
  const value = record(change['value']);
  const openId = id(change['entryId']);
  if (value === null || openId === null) return NONE;
  const hint = hintOfField(change['field'], value, openId);
  return hint === null ? NONE : { kind: 'hint', openId, ...hint };
}

function hintOfField(field: unknown, value: Json, openId: string): Hint | null {
  switch (field) {
    case 'comments':
    case 'live_comments':
      return commented(value, openId);
    case 'mentions':
      return mentioned(value);
    case 'story_insights':
      return ended(value);
    default:
      return null;
  }
}

function commented(value: Json, openId: string): Hint | null {
  const commentId = id(value['id']) ?? id(value['comment_id']);
  const mediaId = id(record(value['media'])?.['id']);
  if (commentId === null || mediaId === null) return null;
  const from = record(value['from']);
  const fromId = id(from?.['id']);
  const username = word(from?.['username']);
  const item: Item = {
    id: commentId,
    parent: mediaId,
    at: null,
    values: {
      parentIgId: id(value['parent_id']),
      fromId,
      fromUser: username ?? fromId,
      text: text(value['text']),
      own: fromId === openId,
    },
    raw: rawOf(value),
  };
  // Own comments come as events too, and `from.id` is often another id of the account (instagram-facts 8.5, point 11).
  return { stream: 'comments', subject: mediaId, item, by: username };
}

/**
 * A mention in a comment, which may be below a media of ours: then its comments are read. A mention in a caption is in
 * somebody else's media, which no stream reads.
 */
function mentioned(value: Json): Hint | null {
  const mediaId = id(value['media_id']);
  if (mediaId === null || id(value['comment_id']) === null) return null;
  return { stream: 'comments', subject: mediaId, onlyKnown: true };
}

/** The event has old names of metrics (instagram-facts 8.5). */
const STORY_METRICS: Readonly<Record<string, Pick<Insight, 'metric' | 'breakdown'>>> = {
  impressions: { metric: 'views', breakdown: '' },
  reach: { metric: 'reach', breakdown: '' },
  replies: { metric: 'replies', breakdown: '' },
  taps_forward: tap('TAP_FORWARD'),
  taps_back: tap('TAP_BACK'),
  exits: tap('TAP_EXIT'),
};

function tap(kind: string): Pick<Insight, 'metric' | 'breakdown'> {
  return { metric: 'navigation', breakdown: `story_navigation_action_type=${kind}` };
}

/** The last numbers of a story: -1 stands for a number below five, which Instagram does not tell. */
function ended(value: Json): Hint | null {
  const subject = id(value['media_id']);
  if (subject === null) return null;
  const told = Object.entries(STORY_METRICS).flatMap(([name, metric]) => {
    const number = numberOf(value[name]);
    return number === null ? [] : [{ ...metric, value: number }];
  });
  if (told.length === 0) return null;
  const insights = told.filter((one) => one.value >= 0);
  const isLow =
    insights.length === 0 || told.some(({ metric, value: number }) => metric === 'reach' && number < 0);
  const state = isLow ? 'too_few_viewers' : 'ok';
  return { stream: 'media_insights', subject, last: { insights, state } };
}
