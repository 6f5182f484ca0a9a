import type { Item, Subject } from '../../reading.ts';
import { counter, id, record, records, text, tryParse, word } from '../json.ts';
import { graphTime, rawOf } from '../meta/reads.ts';
import type { Page, Question, ReadCall } from '../reading.ts';
import type { Login } from './client.ts';
import { nextAfter, rowsOf } from './read-media.ts';
import { createReads, type Json, unreadableList } from './reads.ts';

/*
 * The comments on one media (instagram-facts 7.3 and 12): newest first, each with the first of its replies. Where a
 * comment has more, its own list of replies is read before the next page of comments.
 */

const OWN_FIELDS = 'id,text,timestamp,username,from{id,username},like_count,hidden,parent_id,user';
const OF_MEDIA = `${OWN_FIELDS},media{id}`;
const FIELDS = `${OF_MEDIA},replies{${OWN_FIELDS}}`;
/** The most of one query. */
export const COMMENTS_PAGE = 50;

/** A list of replies that goes on. */
interface Thread {
  comment: string;
  after: string | null;
}

/** Where a pass over the comments of a media goes on. */
interface Place {
  /** In the list of comments; null: it has ended. */
  after: string | null;
  /** The lists of replies to read before. */
  threads: Thread[];
}

export async function readComments(
  login: Login,
  { subject, cursor, limit }: Question,
  call: ReadCall,
): Promise<Page> {
  if (subject === null) throw new Error('comments are of a media');
  const reads = createReads(login, call);
  const place = cursor === null ? null : placeOf(cursor);
  const [thread, ...others] = place?.threads ?? [];
  if (thread !== undefined) {
    const answer = await reads.get(`/${thread.comment}/replies`, {
      fields: OWN_FIELDS,
      limit: String(limit),
      ...(thread.after === null ? {} : { after: thread.after }),
    });
    const items = rowsOf(answer).flatMap((row) => commentOf(row, subject.id, thread.comment, call));
    const after = nextAfter(answer);
    const rest = after === null ? others : [{ comment: thread.comment, after }, ...others];
    return { items, next: cursorOf({ after: place?.after ?? null, threads: rest }), ...reads.told() };
  }
  const after = place?.after ?? null;
  const answer = await reads.get(`/${subject.id}/comments`, {
    fields: FIELDS,
    limit: String(limit),
    ...(after === null ? {} : { after }),
  });
  const rows = rowsOf(answer);
  requireMedia(rows, subject);
  const found = rows.map((row) => threadOf(row, mediaOf(row, subject), call));
  const next = cursorOf({ after: nextAfter(answer), threads: found.flatMap(({ rest }) => rest ?? []) });
  // A full page without cursors may be cut: the platform's pages document none (instagram-facts 7.3).
  const isCut = rows.length >= limit && answer['paging'] === undefined;
  return { items: found.flatMap(({ items }) => items), next, lossy: isCut, ...reads.told() };
}

/** A comment below a media, by its id: lists may leave it out. */
export async function readComment(
  login: Login,
  commentId: string,
  subject: Subject,
  call: ReadCall,
): Promise<Page> {
  const reads = createReads(login, call);
  const row = await reads.get(`/${commentId}`, { fields: OF_MEDIA });
  const isIt = id(row['id']) === commentId && !isOfAnother(row, subject);
  return {
    items: isIt ? commentOf(row, mediaOf(row, subject), null, call) : [],
    next: null,
    ...reads.told(),
  };
}

/** The list belongs to the media that was asked for. */
function requireMedia(rows: readonly Json[], subject: Subject): void {
  if (rows.some((row) => isOfAnother(row, subject)))
    throw unreadableList('the comments are of another media');
}

/**
 * The comments of an album may name one of its pictures, and those of a picture that only an event has told of may name
 * its album.
 */
function isOfAnother(row: Json, { id: mediaId, values }: Subject): boolean {
  const told = id(record(row['media'])?.['id']);
  const isOpen = values['mediaType'] === 'CAROUSEL_ALBUM' || isUntold(values);
  return told !== null && told !== mediaId && !isOpen;
}

/** Only an event has told of this media. */
const isUntold = (values: Subject['values']): boolean => values['mediaType'] == null;

/** The media of a comment: what it says itself counts where the media is not known. */
const mediaOf = (row: Json, { id: asked, values }: Subject): string =>
  (isUntold(values) ? id(record(row['media'])?.['id']) : null) ?? asked;

/** A comment, the replies that came with it, and where its list of replies goes on. */
function threadOf(row: Json, mediaId: string, call: ReadCall): { items: Item[]; rest: Thread | null } {
  const [comment] = commentOf(row, mediaId, null, call);
  if (comment === undefined) return { items: [], rest: null };
  const replies = row['replies'];
  const rows = Array.isArray(replies) ? records(replies) : records(record(replies)?.['data']);
  const items = [comment, ...rows.flatMap((reply) => commentOf(reply, mediaId, comment.id, call))];
  const paging = record(record(replies)?.['paging']);
  if (text(paging?.['next']) === null) return { items, rest: null };
  const after = text(record(paging?.['cursors'])?.['after']);
  return { items, rest: { comment: comment.id, after } };
}

/** @param parent the comment whose list of replies it is in */
function commentOf(row: Json, mediaId: string, parent: string | null, call: ReadCall): Item[] {
  const commentId = id(row['id']);
  if (commentId === null) return [];
  const from = record(row['from']);
  const fromId = id(from?.['id']);
  const fromUser = word(from?.['username']) ?? word(row['username']);
  const at = graphTime(row['timestamp']);
  const { replies: _stored, ...raw } = row;
  return [
    {
      id: commentId,
      parent: mediaId,
      at,
      values: {
        parentIgId: id(row['parent_id']) ?? parent,
        fromId,
        fromUser,
        text: text(row['text']),
        hidden: row['hidden'] === true,
        likeCount: counter(row['like_count']),
        own: isOwn(row, call),
        timestamp: at,
      },
      raw: rawOf(raw),
    },
  ];
}

/** By the account itself: `from.id` is often another id of it, `user` is told of own comments only (instagram-facts 7.3). */
export function isOwn(row: Json, { openId, username }: Pick<ReadCall, 'openId' | 'username'>): boolean {
  const from = record(row['from']);
  if (id(from?.['id']) === openId || id(record(row['user'])?.['id']) !== null) return true;
  const name = text(from?.['username']) ?? text(row['username']);
  return name !== null && name === username;
}

const cursorOf = ({ after, threads }: Place): string | null =>
  after === null && threads.length === 0
    ? null
    : JSON.stringify([after, ...threads.map(({ comment, after: place }) => [comment, place])]);

function placeOf(cursor: string): Place {
  const parsed = tryParse(cursor);
  const [after, ...threads]: unknown[] = Array.isArray(parsed) ? parsed : [cursor];
  return {
    after: text(after),
    threads: threads.flatMap((one): Thread[] => {
      const [comment, place]: unknown[] = Array.isArray(one) ? one : [];
      const commentId = text(comment);
      return commentId === null ? [] : [{ comment: commentId, after: text(place) }];
    }),
  };
}
