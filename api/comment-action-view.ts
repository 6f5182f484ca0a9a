import { type Static, Type } from 'typebox';
import type { CommentAction } from '../db/comment-actions.ts';
import { Failure } from './post-view.ts';
import { nullable } from './schemas.ts';

export const ACTION_KINDS = [
  'reply',
  'hide',
  'unhide',
  'delete',
  'like',
  'unlike',
  'approve',
  'ignore',
] as const;

export const CommentActionView = Type.Object(
  {
    id: Type.String(),
    kind: Type.Enum([...ACTION_KINDS]),
    commentId: Type.String(),
    state: Type.Enum(['accepted', 'sent', 'done', 'failed', 'unknown'], {
      description:
        '`unknown`: the platform did not answer. Everpost looks for the reply before it sends it again; with an `error` it has given up.',
    }),
    repeat: Type.Boolean({ description: 'The comment was so already.' }),
    providerRef: Type.Unsafe<string | null>({
      ...nullable.string,
      description: 'The platform’s id of the reply.',
    }),
    postId: Type.Unsafe<string | null>({
      ...nullable.string,
      description: 'The post that carries the reply, where replies are posts.',
    }),
    error: Type.Union([Failure, Type.Null()]),
  },
  { $id: 'CommentAction', description: 'Something that was done to a comment.' },
);

export const actionView = (action: CommentAction): Static<typeof CommentActionView> => ({
  id: action.id,
  kind: action.kind,
  commentId: action.subject,
  state: action.state,
  repeat: action.repeat,
  providerRef: action.providerRef,
  postId: action.postId,
  error: action.error,
});
