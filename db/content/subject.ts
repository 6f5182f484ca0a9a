import type { Comment } from './comments.ts';

/** A comment as a provider's moderation knows it. @param row its row in the provider's own table */
export const subjectOf = (comment: Comment, row: Readonly<Record<string, unknown>>) => ({
  commentId: comment.providerCommentId,
  mediaId: comment.providerMediaId ?? '',
  parentId: comment.providerParentId,
  own: comment.own,
  hidden: comment.hidden,
  pending: comment.state === 'pending',
  values: row,
});
