import { Type } from 'typebox';
import { control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { Mismatch } from '../core/json.ts';
import { graphId, shortcode } from '../meta/ids.ts';
import { choice, count } from '../core/options.ts';
import { accountByName, type Instagram } from './context.ts';
import { changeEntry, tellChange, tellComment, tellMention } from './events.ts';
import type { Account } from './people.ts';
import type { Comment, Media } from './state.ts';
import { sendEntries } from './webhooks.ts';

const closed = { additionalProperties: false };
const account = Type.Optional(Type.String());

const MediaSpec = Type.Object(
  {
    account,
    caption: Type.String({ default: '' }),
    mediaType: choice('IMAGE', 'VIDEO', 'CAROUSEL_ALBUM'),
    productType: choice('FEED', 'REELS', 'STORY'),
    createdAt: Type.Optional(Type.Integer()),
    likes: count(0),
    views: count(0),
    reach: count(0),
    shares: count(0),
    saved: count(0),
  },
  closed,
);
const CommentSpec = Type.Object(
  {
    mediaId: Type.String(),
    text: Type.String(),
    username: Type.String({ default: 'some_fan' }),
    parentId: Type.Union([Type.String(), Type.Null()], { default: null }),
    createdAt: Type.Optional(Type.Integer()),
    hidden: Type.Boolean({ default: false }),
  },
  closed,
);
const MentionSpec = Type.Object(
  { account, mediaId: Type.Optional(Type.String()), commentId: Type.Optional(Type.String()) },
  closed,
);
const Change = Type.Object({
  account,
  /** The dashboard's test button sends `0` (instagram-facts 8.5, point 5). */
  entryId: Type.Optional(Type.String()),
  field: Type.String(),
  value: Type.Record(Type.String(), Type.Unknown()),
});
const Send = Type.Object(
  {
    ...Change.properties,
    /** More changes of the same batch. */
    batch: Type.Array(Change, { default: [] }),
    stack: choice('facebook', 'login'),
    secret: Type.Optional(Type.String()),
    time: Type.Optional(Type.Integer()),
  },
  closed,
);
const Messaging = Type.Object({ account, event: Type.Record(Type.String(), Type.Unknown()) }, closed);

/** Events at Instagram that the app does not cause: posts, comments, mentions, messages. */
export function eventControls(instagram: Instagram): Route[] {
  const { core, state } = instagram;

  function known(name: string | undefined): Account {
    const found = accountByName(instagram, name);
    if (found === undefined) throw new Mismatch(`no account ${name}`);
    return found;
  }

  function mediaById(id: string): Media {
    const media = state.media.find((candidate) => candidate.id === id);
    if (media === undefined) throw new Mismatch(`no media ${id}`);
    return media;
  }

  return [
    control('GET', '/instagram/media', Nothing, () => state.media),
    control('POST', '/instagram/media', MediaSpec, ({ account: name, ...spec }) => {
      const made = { id: graphId('1801'), accountId: known(name).id, containerId: null, altText: null };
      const rest = {
        shortcode: shortcode(),
        children: [],
        files: [],
        shareToFeed: true,
        commentsEnabled: true,
      };
      const media: Media = { ...made, ...rest, ...spec, createdAt: spec.createdAt ?? core.clock.now() };
      state.media.push(media);
      return media;
    }),
    control('GET', '/instagram/comments', Nothing, () => state.comments),
    control('POST', '/instagram/comments', CommentSpec, (spec) => {
      const media = mediaById(spec.mediaId);
      const made = { id: graphId('1785'), fromId: graphId('1163'), own: false, likes: 0 };
      const comment: Comment = { ...made, ...spec, createdAt: spec.createdAt ?? core.clock.now() };
      state.comments.push(comment);
      return { comment, deliveries: tellComment(instagram, media, comment) };
    }),
    control('POST', '/instagram/mention', MentionSpec, ({ account: name, mediaId, commentId }) =>
      tellMention(instagram, known(name).id, mediaId ?? graphId('1801'), commentId ?? null),
    ),
    control('POST', '/instagram/story-insights', Type.Object({ mediaId: Type.String() }), ({ mediaId }) => {
      const { accountId, views, reach } = mediaById(mediaId);
      const names = { media_id: mediaId, impressions: low(views), reach: low(reach) };
      const value = { ...names, taps_forward: -1, taps_back: -1, exits: -1, replies: -1 };
      return tellChange(instagram, accountId, 'story_insights', value);
    }),
    control('POST', '/instagram/webhooks/send', Send, ({ batch, stack, secret, time, ...first }) => {
      const entries = [first, ...batch].map((change) =>
        changeEntry(instagram, change.entryId ?? known(change.account).id, change.field, change.value),
      );
      return sendEntries(instagram, first.field, entries, stack, { secret, time });
    }),
    control('POST', '/instagram/message', Messaging, ({ account: name, event }) => {
      const { id } = known(name);
      const timestamp = Date.now();
      const recipient = { id };
      const messaging = [{ sender: { id: graphId('1163') }, recipient, timestamp, ...event }];
      // Milliseconds here, seconds for changes (instagram-facts 8.5, point 6).
      return sendEntries(instagram, 'messages', [{ id, messaging }], 'facebook', { time: timestamp });
    }),
  ];
}

/** Values below five are reported as -1 (instagram-facts 8.5). */
function low(value: number): number {
  return value < 5 ? -1 : value;
}
