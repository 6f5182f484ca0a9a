import { type Static, Type } from 'typebox';
import { type Account, findAccounts } from '../db/accounts.ts';
import { type Comment, commentRows } from '../db/content/comments.ts';
import { subjectOf } from '../db/content/subject.ts';
import type { Obstacle } from '../providers/reading.ts';
import type { ActionKind } from '../reading.ts';
import type { Deps } from './deps.ts';
import { Anything, nullable, textOrNull } from './schemas.ts';

/* A copied comment, and what can be done with it. */

export const COMMENT_STATES = ['visible', 'hidden', 'pending', 'removed'] as const;

const Can = Type.Object({
  allowed: Type.Boolean(),
  reason: Type.Unsafe<string | null>({
    ...nullable.string,
    description: 'Why not, such as `permission_missing`, `account_not_active` or the platform’s own rule.',
  }),
});

export const CommentView = Type.Object(
  {
    id: Type.String(),
    provider: Type.String(),
    accountId: Type.String(),
    mediaId: Type.Unsafe<string | null>({
      ...nullable.string,
      description: 'The copy of the media that it belongs to; null: not copied yet.',
    }),
    providerCommentId: Type.String(),
    parentId: Type.Unsafe<string | null>({
      ...nullable.string,
      description: 'The comment that it replies to; null: it replies to the media itself.',
    }),
    author: Type.Unsafe<string | null>({ ...nullable.string, description: 'A user name.' }),
    text: nullable.string,
    timestamp: nullable.time,
    state: Type.Enum([...COMMENT_STATES]),
    hidden: Type.Boolean({ description: 'Hidden by the owner of the media.' }),
    own: Type.Boolean({ description: 'Written by the account itself.' }),
    can: Type.Object({ reply: Can, hide: Can, delete: Can, like: Can }),
    removedAt: nullable.time,
    removedReason: nullable.string,
    raw: Type.Optional(Type.Union([Anything, Type.Null()], { description: 'The platform’s own words.' })),
  },
  { $id: 'Comment', description: 'A copy of a comment or reply.' },
);

/** A comment with everything that decides how it can be moderated. */
export interface WholeComment {
  comment: Comment;
  /** Its row in the provider's own table. */
  row: Readonly<Record<string, unknown>>;
  account: Account;
}

/** Why a comment cannot be moderated. */
export type Hindrance = Obstacle | { code: 'account_not_active' };

/** Adds their accounts and rows to a tenant's comments. One that was deleted meanwhile is left out. */
export async function wholeComments(
  { database: { db } }: Deps,
  userId: string,
  comments: readonly Comment[],
): Promise<WholeComment[]> {
  if (comments.length === 0) return [];
  const rows = await commentRows(db, comments);
  const accounts = await findAccounts(db, userId, [...new Set(comments.map(({ accountId }) => accountId))]);
  const byId = new Map(accounts.map((account) => [account.id, account]));
  return comments.flatMap((comment) => {
    const account = byId.get(comment.accountId);
    const row = rows.get(comment.id);
    return account === undefined || row === undefined ? [] : [{ comment, row, account }];
  });
}

/** Why an action on a comment is not possible now; null: it is. */
export function hindranceOf({ providers }: Deps, whole: WholeComment, kind: ActionKind): Hindrance | null {
  const { account, comment } = whole;
  const provider = providers.find(account.provider, account.method);
  if (provider === null) return NOT_CONFIGURED;
  const moderation = provider.reading?.moderation;
  if (moderation === undefined) return NOT_SUPPORTED;
  if (account.status !== 'active') return { code: 'account_not_active' };
  if (comment.removedAt !== null) return REMOVED;
  return moderation.obstacle(kind, subjectOf(comment, whole.row), account.scope);
}

const NOT_SUPPORTED: Obstacle = {
  code: 'not_supported',
  reason: 'not_supported',
  message: 'the platform lets no app moderate comments',
  userMessage: 'This platform does not let apps moderate comments. Use the platform’s own app.',
};
const NOT_CONFIGURED: Obstacle = {
  code: 'not_supported',
  reason: 'provider_not_configured',
  message: 'the provider, or the method by which the account was connected, has no credentials configured',
  userMessage: 'This platform is not available here at the moment.',
};
const REMOVED: Obstacle = {
  code: 'not_supported',
  reason: 'removed',
  message: 'the comment is gone at the platform; removedReason says how Everpost knows',
  userMessage: 'This comment no longer exists.',
};

/** A comment as clients see it. */
export function commentView(deps: Deps, whole: WholeComment): Static<typeof CommentView> {
  const { comment } = whole;
  const can = (kind: ActionKind): Static<typeof Can> => {
    const hindrance = hindranceOf(deps, whole, kind);
    if (hindrance === null) return { allowed: true, reason: null };
    return {
      allowed: false,
      reason: hindrance.code === 'not_supported' ? hindrance.reason : hindrance.code,
    };
  };
  return {
    id: comment.id,
    provider: comment.provider,
    accountId: comment.accountId,
    mediaId: comment.mediaId,
    providerCommentId: comment.providerCommentId,
    parentId: comment.parentId,
    author: comment.author,
    text: comment.text,
    timestamp: textOrNull(comment.timestamp),
    state: comment.state,
    hidden: comment.hidden,
    own: comment.own,
    can: { reply: can('reply'), hide: can('hide'), delete: can('delete'), like: can('like') },
    removedAt: textOrNull(comment.removedAt),
    removedReason: comment.removedReason,
    ...(comment.raw === undefined ? {} : { raw: comment.raw }),
  };
}
