import { Type } from 'typebox';
import { Mismatch, parse } from '../core/json.ts';
import type { MediaKeeper } from '../core/media.ts';
import type { Threads } from './context.ts';
import { tellDelete } from './events.ts';
import { deletePost, restorePost } from './live.ts';
import { editPost, knownPost, makeOne, ORIGIN, tellAll, TRAITS, type Changes } from './post-controls.ts';
import { countsOf, findPost, knownCounts } from './posts.ts';
import type { Post } from './state.ts';

const closed = { additionalProperties: false };
const { text: _text, createdAt: _createdAt, ...details } = TRAITS;
const MoreOfNew = Type.Object({ ...details, ...ORIGIN }, closed);
const More = Type.Object(details, closed);
const whole = Type.Optional(Type.Integer({ minimum: 0 }));
const Counts = Type.Object(
  { views: whole, likes: whole, shares: whole, comments: whole, quotes: whole, reposts: whole },
  closed,
);

/** The neutral controls for media, on Threads: the posts of connected profiles. */
export function mediaKeeper(threads: Threads): MediaKeeper {
  const { core, state } = threads;

  return {
    make: ({ account, text, createdAt, counts, more }) => {
      const profile = state.profiles.find(({ id }) => id === account);
      if (profile === undefined) throw new Mismatch(`account: no profile ${account}`);
      const { username } = profile;
      const at = createdAt ?? core.clock.now();
      const post = makeOne(threads, { ...parse(MoreOfNew, more), text, username, createdAt: at });
      editPost(post, countsToSet(threads, post, counts));
      // With a time of its own it is history, from before the app's subscription.
      if (createdAt === undefined) tellAll(threads, post);
      return post.id;
    },
    edit: (id, { text, counts = {}, more = {} }) => {
      const post = knownPost(threads, id);
      const changes = { ...parse(More, more), ...countsToSet(threads, post, counts) };
      editPost(post, text === undefined ? changes : { ...changes, text });
    },
    remove: (id) => {
      const post = knownPost(threads, id);
      if (post.deletedAt !== null) return;
      deletePost(threads, post);
      tellDelete(threads, post);
    },
    restore: (id) => restorePost(threads, knownPost(threads, id)),
    all: () =>
      state.posts.flatMap((post) => {
        const { id, userId, text, createdAt, containerId, replyTo } = post;
        if (userId === null || replyTo !== null) return [];
        const { replies: comments = 0, ...counts } = countsOf(threads, post);
        const visible = findPost(threads, id) !== undefined;
        const published = containerId !== null;
        return { id, account: userId, text, createdAt, counts: { ...counts, comments }, visible, published };
      }),
  };
}

/** A number that the API is to tell from now on contains what the sandbox itself knows. */
function countsToSet(threads: Threads, post: Post, given: Record<string, number>): Changes {
  const { comments, quotes, reposts, ...rest } = parse(Counts, given);
  const known = knownCounts(threads, post);
  return {
    ...rest,
    ...beside('replies', comments, known.replies),
    ...beside('quotes', quotes, known.quotes),
    ...beside('reposts', reposts, known.reposts),
  };
}

function beside(name: string, told: number | undefined, known: number): Record<string, number> {
  if (told === undefined) return {};
  if (told < known) throw new Mismatch(`counts: there are ${known} ${name}`);
  return { [name]: told - known };
}
