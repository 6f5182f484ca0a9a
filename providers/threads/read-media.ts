import type { Item } from '../../reading.ts';
import { DAY } from '../../durations.ts';
import { ProviderError } from '../errors.ts';
import { counter, id, record, records } from '../json.ts';
import { graphTime, idOf, rawOf, rowsOf, words } from '../meta/reads.ts';
import type { Page, Question, ReadCall } from '../reading.ts';
import { THREADS } from './client.ts';
import type { Reads } from './read.ts';

type Json = Readonly<Record<string, unknown>>;

const PROFILE_FIELDS = 'id,username,name,threads_profile_picture_url,threads_biography,is_verified';
const INSIGHTS = 'threads_manage_insights';

/** The profile (threads-facts 3). Its number of followers is a statistic, for which there is another call. */
export async function readProfile(reads: Reads, call: ReadCall): Promise<Page> {
  const { body: me, usage } = await reads.thing(call, '/me', { fields: PROFILE_FIELDS });
  const isAllowed = call.scopes.includes(INSIGHTS);
  const followers = isAllowed ? await followersOf(reads, call) : null;
  return {
    items: [
      {
        id: call.openId,
        at: null,
        values: {
          // What has no value is left out (threads-facts 3).
          username: words(me['username']),
          displayName: words(me['name']),
          biography: words(me['threads_biography']),
          pictureUrl: words(me['threads_profile_picture_url']),
          verified: typeof me['is_verified'] === 'boolean' ? me['is_verified'] : null,
          ...(followers === null ? {} : { followers }),
        },
        raw: rawOf(me),
      },
    ],
    next: null,
    ...(isAllowed ? {} : { missing: [INSIGHTS] }),
    calls: isAllowed ? 2 : 1,
    usage,
  };
}

/** Null: some profiles have no such number (threads-facts 16), and without it the rest of the profile counts. */
async function followersOf(reads: Reads, call: ReadCall): Promise<number | null> {
  const told = await reads
    .thing(call, '/me/threads_insights', { metric: 'followers_count', period: 'day' })
    .catch(unlessItConcernsAllCalls);
  const [row] = told === null ? [] : records(told.body['data']);
  return counter(record(row?.['total_value'])?.['value']);
}

/** A refused token or a limit of calls must be seen; any other failure of a part is none of the whole. */
export function unlessItConcernsAllCalls(error: unknown): null {
  if (
    !(error instanceof ProviderError) ||
    !['account', 'rejected', 'unavailable', 'gone'].includes(error.kind)
  )
    throw error;
  return null;
}

const FIELDS = [
  'id,media_product_type,media_type,media_url,gif_url,permalink,username,text,timestamp,shortcode,thumbnail_url',
  'children{id,media_type,alt_text},is_quote_post,quoted_post,reposted_post,alt_text,link_attachment_url,topic_tag',
  'is_spoiler_media,text_entities,text_attachment,allowlisted_country_codes',
  'poll_attachment{option_a,option_b,option_c,option_d,option_a_votes_percentage,option_b_votes_percentage,option_c_votes_percentage,option_d_votes_percentage,total_votes,expiration_timestamp}',
  'ghost_post_status,ghost_post_expiration_timestamp',
].join(',');
/** Fields that need another scope (threads-facts 2.2). */
const REPLY_FIELDS = ['threads_read_replies', 'has_replies,reply_audience'] as const;

const fieldsFor = ({ scopes }: ReadCall): string =>
  scopes.includes(REPLY_FIELDS[0]) ? `${FIELDS},${REPLY_FIELDS[1]}` : FIELDS;

/**
 * A page of the account's own posts, with quotes and reposts. Ghost posts have a list of their own (threads-facts 6.1);
 * there are so few that one page of it, read with the first page, has all that are alive.
 */
export async function readMedia(reads: Reads, { cursor, limit }: Question, call: ReadCall): Promise<Page> {
  const params = { fields: fieldsFor(call), limit: String(limit) };
  const { rows, after, usage } = await reads.list(call, '/me/threads', {
    ...params,
    ...(cursor === null ? {} : { after: cursor }),
  });
  const ghosts =
    cursor === null
      ? await reads.thing(call, '/me/ghost_posts', params).catch(unlessItConcernsAllCalls)
      : null;
  const found = [...(ghosts === null ? [] : rowsOf(THREADS, ghosts.body)), ...rows];
  return {
    items: found.filter(isAlive).flatMap((row) => mediaOf(row, call)),
    next: after,
    calls: cursor === null ? 2 : 1,
    usage,
  };
}

/** The list of ghost posts goes on showing those that have ended (threads-facts 6.2). */
function isAlive(row: Json): boolean {
  const end = graphTime(row['ghost_post_expiration_timestamp']);
  return row['ghost_post_status'] !== 'ARCHIVED' && (end === null || end.getTime() > Date.now());
}

/** Who has replied within this time may still be waiting for an approval, of which `has_replies` tells nothing. */
const YOUNG = 7 * DAY;

function mediaOf(row: Json, { scopes }: ReadCall): Item[] {
  const mediaId = id(row['id']);
  if (mediaId === null) return [];
  const values = mediaValues(row);
  const at = graphTime(row['timestamp']);
  const isQuiet = row['has_replies'] === false && at !== null && Date.now() - at.getTime() > YOUNG;
  return [
    {
      id: mediaId,
      at,
      values: scopes.includes(REPLY_FIELDS[0])
        ? { ...values, replyAudience: words(row['reply_audience']) }
        : values,
      ...(isQuiet ? { quiet: true } : {}),
      raw: rawOf(row),
    },
  ];
}

/** The columns of a post's copy (threads-facts 6.2). What has no value is left out there. */
export function mediaValues(row: Json) {
  const children = records(record(row['children'])?.['data'])
    .map(idOf)
    .filter((one) => one !== null);
  return {
    mediaType: words(row['media_type']),
    text: words(row['text']),
    permalink: words(row['permalink']),
    shortcode: words(row['shortcode']),
    timestamp: graphTime(row['timestamp']),
    topicTag: words(row['topic_tag']),
    isQuote: typeof row['is_quote_post'] === 'boolean' ? row['is_quote_post'] : null,
    quotedId: idOf(row['quoted_post']),
    repostedId: idOf(row['reposted_post']),
    ghostUntil: graphTime(row['ghost_post_expiration_timestamp']),
    children: children.length === 0 ? null : children,
  };
}
