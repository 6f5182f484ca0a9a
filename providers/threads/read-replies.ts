import type { Item, Subject } from '../../reading.ts';
import { DAY } from '../../durations.ts';
import { id, record } from '../json.ts';
import { graphTime, idOf, rawOf, words } from '../meta/reads.ts';
import type { Page, Question, ReadCall } from '../reading.ts';
import type { Reads } from './read.ts';
import { mediaValues, unlessItConcernsAllCalls } from './read-media.ts';

type Json = Readonly<Record<string, unknown>>;

const FIELDS =
  'id,text,timestamp,media_product_type,media_type,permalink,shortcode,username,has_replies,root_post,replied_to,is_reply,is_reply_owned_by_me,hide_status,reply_approval_status,topic_tag,is_quote_post,quoted_post';

/** How long approvals are looked for below a post that was published with them. */
const APPROVALS_FOR = 7 * DAY;

/** The lists below a post, one after the other; a cursor names its list: `pending:<after>`. */
const LISTS = {
  conversation: { edge: 'conversation', params: {}, approval: null },
  // Both are in no other list (threads-facts 16).
  pending: { edge: 'pending_replies', params: { approval_status: 'pending' }, approval: 'pending' },
  ignored: { edge: 'pending_replies', params: { approval_status: 'ignored' }, approval: 'ignored' },
} as const;
type ListName = keyof typeof LISTS;

/**
 * A page of the replies below a post, at any depth, oldest first: so parents come before their replies
 * (threads-facts 6.1 and 16).
 */
export async function readReplies(reads: Reads, question: Question, call: ReadCall): Promise<Page> {
  const { subject, limit } = question;
  if (subject === null) throw new Error('replies are read below a post');
  const { list, after } = placeOf(question.cursor);
  const { edge, params, approval } = LISTS[list];
  const read = reads.list(call, `/${encodeURIComponent(subject.id)}/${edge}`, {
    fields: FIELDS,
    limit: String(limit),
    reverse: 'false',
    ...params,
    ...(after === null ? {} : { after }),
  });
  // Not every post has a list of approvals.
  const page = await (approval === null || after !== null ? read : read.catch(unlessItConcernsAllCalls));
  const next = page?.after ?? null;
  return {
    items: (page?.rows ?? []).flatMap((row) => replyOf(row, subject, approval, call)),
    next: next === null ? nextList(list, question) : `${list}:${next}`,
    calls: 1,
    usage: page?.usage ?? null,
  };
}

/** A reply below a post, by its id: lists may leave it out. */
export async function readReply(
  reads: Reads,
  replyId: string,
  subject: Subject,
  call: ReadCall,
): Promise<Page> {
  const path = `/${encodeURIComponent(replyId)}`;
  const { body, usage } = await reads.thing(call, path, { fields: FIELDS });
  const root = idOf(body['root_post']);
  const isIt = id(body['id']) === replyId && (root === null || root === subject.id);
  return { items: isIt ? replyOf(body, subject, null, call) : [], next: null, calls: 1, usage };
}

function placeOf(cursor: string | null): { list: ListName; after: string | null } {
  const [, name, after = ''] = /^(conversation|pending|ignored):(.*)$/s.exec(cursor ?? '') ?? [];
  const list = name === 'pending' || name === 'ignored' ? name : 'conversation';
  return { list, after: after === '' ? null : after };
}

/** Approvals cost two more calls: they are looked for where there may be some, and in full passes. */
function nextList(list: ListName, { subject, full }: Question): string | null {
  if (list === 'ignored' || subject === null) return null;
  if (list === 'pending') return 'ignored:';
  return full || subject.approves || isYoungWithApprovals(subject) ? 'pending:' : null;
}

function isYoungWithApprovals({ at, request }: Subject): boolean {
  const info = record(record(request)?.['postInfo']);
  return (
    info?.['enable_reply_approvals'] === true && (at === null || Date.now() - at.getTime() < APPROVALS_FOR)
  );
}

function replyOf(
  row: Json,
  { id: rootId }: Subject,
  waiting: 'pending' | 'ignored' | null,
  { username: me }: ReadCall,
): Item[] {
  const replyId = id(row['id']);
  if (replyId === null) return [];
  const username = words(row['username']);
  const owned = row['is_reply_owned_by_me'];
  const own = typeof owned === 'boolean' ? owned : username !== null && username === me;
  const timestamp = graphTime(row['timestamp']);
  return [
    {
      id: replyId,
      parent: rootId,
      at: timestamp,
      values: {
        rootId,
        repliedToId: idOf(row['replied_to']),
        // Private profiles that the account does not follow are nameless (threads-facts 16).
        username,
        text: words(row['text']),
        timestamp,
        hasReplies: typeof row['has_replies'] === 'boolean' ? row['has_replies'] : null,
        hideStatus: words(row['hide_status']),
        approval: waiting ?? approvalOf(row['reply_approval_status']),
        own,
      },
      ...(own ? { part: mediaValues(row) } : {}),
      raw: rawOf(row),
    },
  ];
}

/** A reply in the conversation is visible, whatever its status says. */
function approvalOf(status: unknown): 'approved' | null {
  return /^approved$/i.test(words(status) ?? '') ? 'approved' : null;
}
