import { Type } from 'typebox';
import { control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { Mismatch, parse, patch } from '../core/json.ts';
import { count } from '../core/options.ts';
import { graphId } from '../meta/ids.ts';
import { accountNamed, accountOf, type Instagram } from './context.ts';
import { tellComment } from './events.ts';
import { commentById, mediaById, removeComment, restoreComment } from './media.ts';
import { Comment, type Media } from './state.ts';

const closed = { additionalProperties: false };
const Id = Type.Object({ id: Type.String() }, closed);
const CommentSpec = Type.Object(
  {
    mediaId: Type.String(),
    text: Type.String(),
    username: Type.String({ default: 'some_fan' }),
    parentId: Type.Union([Type.String(), Type.Null()], { default: null }),
    createdAt: Type.Optional(Type.Integer()),
    hidden: Type.Boolean({ default: false }),
    likes: count(0),
    /** The owner of the media writes it in the app. */
    own: Type.Boolean({ default: false }),
    /** During a broadcast: `live_comments` (instagram-facts 8.5, point 10). */
    live: Type.Boolean({ default: false }),
    /** Whether it raises an event; a private person's comment raises none. */
    event: Type.Boolean({ default: true }),
    /** The event of a comment on an album may name this child of it (instagram-facts 12). */
    childId: Type.Optional(Type.String()),
  },
  closed,
);
const { live: _live, event: _event, childId: _childId, ...Plain } = CommentSpec.properties;
const Many = Type.Object(
  { ...Plain, count: Type.Integer({ minimum: 1, maximum: 20_000 }), spreadMs: count(0) },
  closed,
);
const Edit = Type.Object(
  {
    id: Type.String(),
    text: Type.Optional(Type.String()),
    likes: Type.Optional(Type.Integer({ minimum: 0 })),
    hidden: Type.Optional(Type.Boolean()),
  },
  closed,
);
const Person = Type.Object({ account: Type.Optional(Type.String()), username: Type.String() }, closed);

type Given = Pick<Comment, 'mediaId' | 'text' | 'username' | 'parentId' | 'hidden' | 'likes' | 'own'>;

/** What people, and the owner in the app, do with comments. Only a new comment raises an event. */
export function commentControls(instagram: Instagram): Route[] {
  const { core, state } = instagram;

  function isRestricted(accountId: string, username: string): boolean {
    return state.restrictedPeople.some(
      (person) => person.accountId === accountId && person.username === username,
    );
  }

  /** One person keeps one id (instagram-facts 7.3). */
  function authorOf(media: Media, { own, username }: Given): { fromId: string; username: string } {
    const owner = accountOf(instagram, media.accountId);
    if (own) return { fromId: owner.igsid, username: owner.username };
    const known = state.comments.find((comment) => !comment.own && comment.username === username);
    return { fromId: known?.fromId ?? graphId('1163'), username };
  }

  function make(given: Given, createdAt: number): Comment {
    const media = mediaById(instagram, given.mediaId);
    const parent = given.parentId === null ? null : commentById(instagram, given.parentId);
    // A reply to a reply hangs at the top level (instagram-facts 7.3).
    const parentId = parent?.parentId ?? parent?.id ?? null;
    const withheld = !given.own && isRestricted(media.accountId, given.username);
    const comment = parse(Comment, {
      id: graphId('1785'),
      ...given,
      ...authorOf(media, given),
      parentId,
      createdAt,
      withheld,
    });
    state.comments.push(comment);
    return comment;
  }

  function setWithheld(accountId: string, username: string, withheld: boolean): Comment[] {
    const mine = new Set(state.media.filter((media) => media.accountId === accountId).map(({ id }) => id));
    const theirs = state.comments.filter(
      (comment) => !comment.own && comment.username === username && mine.has(comment.mediaId),
    );
    for (const comment of theirs) comment.withheld = withheld;
    return theirs;
  }

  return [
    control('GET', '/instagram/comments', Nothing, () => state.comments),
    control('POST', '/instagram/comments', CommentSpec, ({ live, event, childId, createdAt, ...given }) => {
      const comment = make(given, createdAt ?? core.clock.now());
      const told = event && !comment.withheld;
      const media = {
        ...mediaById(instagram, given.mediaId),
        ...(childId === undefined ? {} : { id: childId }),
      };
      const field = live ? 'live_comments' : 'comments';
      return { comment, deliveries: told ? tellComment(instagram, media, comment, field) : [] };
    }),
    control('POST', '/instagram/comments/many', Many, ({ count: many, createdAt, spreadMs, ...given }) => {
      const newest = createdAt ?? core.clock.now();
      const ids: string[] = [];
      for (let place = many - 1; place >= 0; place -= 1) {
        ids.push(make(given, Math.floor(newest - (spreadMs * place) / Math.max(many - 1, 1))).id);
      }
      return { ids };
    }),
    control('POST', '/instagram/comments/edit', Edit, ({ id, ...changes }) =>
      patch(Comment, commentById(instagram, id), changes),
    ),
    control('POST', '/instagram/comments/delete', Id, ({ id }) => {
      commentById(instagram, id);
      removeComment(instagram, id);
    }),
    control('POST', '/instagram/comments/restore', Id, ({ id }) => restoreComment(instagram, id)),
    control('POST', '/instagram/comments/approve', Id, ({ id }) => {
      const comment = commentById(instagram, id);
      if (isRestricted(mediaById(instagram, comment.mediaId).accountId, comment.username)) {
        throw new Mismatch(`${comment.username} is restricted: POST /instagram/unrestrict first`);
      }
      comment.withheld = false;
      return comment;
    }),
    control('POST', '/instagram/restrict', Person, ({ account, username }) => {
      const { id: accountId } = accountNamed(instagram, account);
      if (!isRestricted(accountId, username)) state.restrictedPeople.push({ accountId, username });
      return { withheld: setWithheld(accountId, username, true).map(({ id }) => id) };
    }),
    // Their comments stay away until each is approved (instagram-facts 12).
    control('POST', '/instagram/unrestrict', Person, ({ account, username }) => {
      const { id: accountId } = accountNamed(instagram, account);
      state.restrictedPeople = state.restrictedPeople.filter(
        (person) => person.accountId !== accountId || person.username !== username,
      );
    }),
  ];
}
