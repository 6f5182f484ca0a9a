import { Type } from 'typebox';
import { control } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { graphId } from '../meta/ids.ts';
import { choice } from '../core/options.ts';
import { accountNamed, type Instagram } from './context.ts';
import { changeEntry, tellMention } from './events.ts';
import { mediaById } from './media.ts';
import { tellStoryInsights } from './stories.ts';
import { sendEntries } from './webhooks.ts';

const closed = { additionalProperties: false };
const account = Type.Optional(Type.String());

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

/** Events at Instagram that the app does not cause: mentions, story insights, messages, and any other. */
export function eventControls(instagram: Instagram): Route[] {
  return [
    control('POST', '/instagram/mention', MentionSpec, ({ account: name, mediaId, commentId }) =>
      tellMention(instagram, accountNamed(instagram, name).id, mediaId ?? graphId('1801'), commentId ?? null),
    ),
    control('POST', '/instagram/story-insights', Type.Object({ mediaId: Type.String() }), ({ mediaId }) =>
      tellStoryInsights(instagram, mediaById(instagram, mediaId)),
    ),
    control('POST', '/instagram/webhooks/send', Send, ({ batch, stack, secret, time, ...first }) => {
      const entries = [first, ...batch].map((change) =>
        changeEntry(
          instagram,
          change.entryId ?? accountNamed(instagram, change.account).id,
          change.field,
          change.value,
        ),
      );
      return sendEntries(instagram, first.field, entries, stack, { secret, time });
    }),
    control('POST', '/instagram/message', Messaging, ({ account: name, event }) => {
      const { id } = accountNamed(instagram, name);
      const timestamp = Date.now();
      const recipient = { id };
      const messaging = [{ sender: { id: graphId('1163') }, recipient, timestamp, ...event }];
      // Milliseconds here, seconds for changes (instagram-facts 8.5, point 6).
      return sendEntries(instagram, 'messages', [{ id, messaging }], 'facebook', { time: timestamp });
    }),
  ];
}
