import type { Delivery } from '../core/delivery.ts';
import { accountOf, type Instagram } from './context.ts';
import type { Comment, Media } from './state.ts';
import { sendEntries, type Entry } from './webhooks.ts';

/** Every field of instagram-facts 8.4 that has a `changes` shape. */
export const FIELDS = [
  'comments',
  'live_comments',
  'mentions',
  'story_insights',
  'messages',
  'message_echoes',
  'message_edit',
  'message_reactions',
  'messaging_handover',
  'messaging_optins',
  'messaging_postbacks',
  'messaging_referral',
  'messaging_seen',
  'messaging_policy_enforcement',
  'response_feedback',
  'standby',
];

/** Events that Instagram Login does not have (instagram-facts 3.1). */
export const FACEBOOK_ONLY = ['mentions', 'story_insights'];

/** The stacks whose subscriptions cover events of an account, if the app has the field too. */
function subscribers(
  { options, state }: Instagram,
  accountId: string,
  field: string,
): ('facebook' | 'login')[] {
  if (!state.appFields.includes(field)) return [];
  const granted = (holder: string): boolean => state.grants[holder] !== undefined;
  const pages = state.pages.filter(({ instagramId }) => instagramId === accountId);
  const byPage = pages.some(
    ({ admins, subscribed }) =>
      admins.some(({ userId }) => granted(userId)) && (!options.requireSubscription || subscribed.length > 0),
  );
  const account = state.accounts.find(({ id }) => id === accountId);
  // A subscription of an account to any field brings all fields of the app (instagram-facts 8.3).
  const byLogin =
    !FACEBOOK_ONLY.includes(field) &&
    granted(accountId) &&
    (!options.requireSubscription || (account?.subscribed.length ?? 0) > 0);
  return [...(byPage ? (['facebook'] as const) : []), ...(byLogin ? (['login'] as const) : [])];
}

export function changeEntry({ options }: Instagram, accountId: string, field: string, value: object): Entry {
  if (options.webhookShape === 'bare') return { id: accountId, field, value };
  if (options.webhookShape === 'fields') return { id: accountId, changed_fields: [field] };
  return { id: accountId, changes: [{ field, value }] };
}

/** Sends a change to all subscribers: none, one, or one for each stack. */
export function tellChange(
  instagram: Instagram,
  accountId: string,
  field: string,
  value: object,
): Delivery[] {
  return subscribers(instagram, accountId, field).map((stack) =>
    sendEntries(instagram, field, [changeEntry(instagram, accountId, field, value)], stack),
  );
}

/** instagram-facts 8.5. Comments of a private owner cause no event. */
export function tellComment(
  instagram: Instagram,
  media: Media,
  comment: Comment,
  field: 'comments' | 'live_comments' = 'comments',
): Delivery[] {
  if (accountOf(instagram, media.accountId).private) return [];
  return tellChange(instagram, media.accountId, field, commentValue(instagram, media, comment));
}

function commentValue({ options }: Instagram, media: Media, comment: Comment): object {
  return {
    from: { id: comment.fromId, username: comment.username },
    [options.commentIdName]: comment.id,
    ...(comment.parentId === null ? {} : { parent_id: comment.parentId }),
    text: comment.text,
    media: { id: media.id, media_product_type: media.productType },
  };
}

export function tellMention(
  instagram: Instagram,
  accountId: string,
  mediaId: string,
  commentId: string | null,
) {
  const account = accountOf(instagram, accountId);
  if (account.private) return [];
  const value = { media_id: mediaId, ...(commentId === null ? {} : { comment_id: commentId }) };
  return tellChange(instagram, accountId, 'mentions', value);
}
