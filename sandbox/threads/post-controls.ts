import { Type, type Static } from 'typebox';
import { control, Nothing } from '../core/control.ts';
import type { Delivery } from '../core/delivery.ts';
import type { Route } from '../core/http.ts';
import { Mismatch } from '../core/json.ts';
import { NullableString } from '../core/options.ts';
import { graphId } from '../meta/ids.ts';
import { REPLY_CONTROLS } from './container-rules.ts';
import type { Threads } from './context.ts';
import { tellDelete, tellMentions, tellPublish, tellReply } from './events.ts';
import { addPost, deletePost, restorePost } from './live.ts';
import { anyPost, findPost } from './posts.ts';
import { APPROVALS, HIDE_STATUSES, POST_KINDS, type Post } from './state.ts';
import { mentionsIn } from './text.ts';

const closed = { additionalProperties: false };
const MOST_AT_ONCE = 100_000;
const whole = Type.Optional(Type.Integer({ minimum: 0 }));
const flag = Type.Optional(Type.Boolean());
const ids = Type.Array(Type.String(), { minItems: 1, maxItems: MOST_AT_ONCE });

/** What both making and editing may set. */
export const TRAITS = {
  text: Type.Optional(Type.String()),
  kind: Type.Optional(Type.Enum([...POST_KINDS])),
  /** As publishing names them: topic_tag, quote_post_id, is_ghost_post and so on (threads-facts 4.1). */
  params: Type.Optional(Type.Record(Type.String(), Type.String())),
  createdAt: Type.Optional(Type.Integer()),
  views: whole,
  likes: whole,
  shares: whole,
  replies: whole,
  reposts: whole,
  quotes: whole,
  hideStatus: Type.Optional(Type.Enum([...HIDE_STATUSES])),
  approval: Type.Optional(Type.Enum([...APPROVALS])),
  privateAuthor: flag,
  copyright: flag,
  unlisted: flag,
  flaky: whole,
  refusedMetrics: Type.Optional(Type.Array(Type.String())),
  emptyInsights: flag,
};
/** How a new post comes about. */
export const ORIGIN = {
  replyTo: Type.Optional(NullableString),
  repostOf: Type.Optional(NullableString),
  replyControl: Type.Optional(Type.Enum(REPLY_CONTROLS)),
  /** How many children an album has. */
  children: Type.Integer({ minimum: 0, maximum: 20, default: 0 }),
};
const Making = Type.Object(
  {
    ...TRAITS,
    /** A profile, or somebody who has not connected the app. */
    username: Type.String({ default: 'some_fan' }),
    id: Type.Optional(Type.String({ pattern: String.raw`^\d{1,30}$` })),
    ...ORIGIN,
    /** Many: oldest first; `{n}` in the text is the number of each. */
    count: Type.Integer({ minimum: 1, maximum: MOST_AT_ONCE, default: 1 }),
    /** How much older than the next one each of many is; the newest is of `createdAt`. */
    everyMs: Type.Integer({ minimum: 0, default: 60_000 }),
    /** No webhooks; absent: none for many. */
    silent: flag,
  },
  closed,
);
export type Making = Static<typeof Making>;
const Editing = Type.Object({ ...TRAITS, ids }, closed);
export type Changes = Omit<Static<typeof Editing>, 'ids'>;
const Removing = Type.Object({ ids, silent: flag }, closed);
const Restoring = Type.Object({ ids }, closed);

/** What people do in the app itself: post, answer, edit, delete. */
export function postControls(threads: Threads): Route[] {
  const { state } = threads;

  const known = (wanted: string[]): Post[] => wanted.map((id) => knownPost(threads, id));

  return [
    control('GET', '/threads/posts', Nothing, (_body, { url }) => {
      const userId = url.searchParams.get('userId');
      const all = url.searchParams.get('deleted') === 'true';
      return state.posts.filter(
        (post) => (all || post.deletedAt === null) && (userId === null || post.userId === userId),
      );
    }),
    control('POST', '/threads/posts', Making, (making) => makePosts(threads, making)),
    control('POST', '/threads/posts/edit', Editing, ({ ids: wanted, ...changes }) => {
      return known(wanted).map((post) => editPost(post, changes));
    }),
    control('POST', '/threads/posts/delete', Removing, ({ ids: wanted, silent: quiet = false }) => {
      const live = known(wanted).filter(({ deletedAt }) => deletedAt === null);
      for (const post of live) deletePost(threads, post);
      return { deliveries: quiet ? [] : live.flatMap((post) => tellDelete(threads, post) ?? []) };
    }),
    // No event tells it.
    control('POST', '/threads/posts/restore', Restoring, ({ ids: wanted }) => {
      for (const post of known(wanted)) restorePost(threads, post);
    }),
  ];
}

/** For controls: deleted ones too; an unknown id is a 400. */
export function knownPost(threads: Threads, id: string): Post {
  const post = anyPost(threads, id);
  if (post === undefined) throw new Mismatch(`no post ${id}`);
  return post;
}

export function editPost(post: Post, changes: Changes): Post {
  const mentions = changes.text === undefined ? {} : { mentions: mentionsIn(changes.text) };
  return Object.assign(post, changes, mentions);
}

/** Posts by a profile or by somebody else; one, or many in a row. */
function makePosts(threads: Threads, making: Making) {
  const { count, everyMs, silent = count > 1, ...one } = making;
  const { createdAt = threads.core.clock.now(), text = '' } = one;
  if (one.id !== undefined && (count > 1 || anyPost(threads, one.id) !== undefined)) {
    throw new Mismatch('id: it must be new, and of one post');
  }
  const made = Array.from({ length: count }, (_none, index) =>
    makeOne(threads, {
      ...one,
      createdAt: createdAt - (count - 1 - index) * everyMs,
      text: text.replaceAll('{n}', String(index + 1)),
    }),
  );
  const deliveries = silent ? [] : made.flatMap((post) => tellAll(threads, post));
  return { post: made[0], ids: made.map(({ id }) => id), deliveries };
}

type One = Omit<Making, 'count' | 'everyMs' | 'silent'>;

export function makeOne(
  threads: Threads,
  { replyControl, children, params, replyTo = null, ...one }: One,
): Post {
  if (replyTo !== null && findPost(threads, replyTo) === undefined) throw new Mismatch(`no post ${replyTo}`);
  const userId = threads.state.profiles.find(({ username }) => username === one.username)?.id ?? null;
  return addPost(threads, {
    ...one,
    userId,
    replyTo,
    params: { reply_control: replyControl ?? 'everyone', ...params },
    children: Array.from({ length: children }, (_none, index) => ({
      id: graphId('1789'),
      kind: 'IMAGE',
      altText: `Picture ${index + 1}`,
    })),
  });
}

export function tellAll(threads: Threads, post: Post): Delivery[] {
  const sent = [tellPublish(threads, post), tellReply(threads, post), ...tellMentions(threads, post)];
  return sent.filter((delivery) => delivery !== null);
}
