import { DAY, HOUR } from '../../durations.ts';
import { OF_COMMENTS, OF_COMMENTS_WITH_EVENTS, OF_INSIGHTS, OF_LISTS, READS } from './reads.ts';
import type { Reading, Stream } from '../reading.ts';
import type { Login } from './client.ts';
import { createModeration } from './moderation.ts';
import { readAccount } from './read-account.ts';
import { COMMENTS_PAGE, readComment, readComments } from './read-comments.ts';
import { kindOf, readInsights } from './read-insights.ts';
import { confirmByIds, readMedia, readProfile } from './read-media.ts';

/* What Instagram tells of an account, for both logins (instagram-facts 7 and 12). */

/** Instagram keeps the numbers of media for two years (instagram-facts 12). */
const OLDEST_NUMBERS = 730 * DAY;
const MONTH = 30 * DAY;
/** Stories live for a day; their numbers are read once more before they end. */
const STORY_LIFE = { ends: DAY, readAt: [22 * HOUR, 23.5 * HOUR] };

export function createReading(login: Login): Reading {
  return {
    streams: streamsOf(login),
    unsupported: { replies: 'Instagram tells replies with the comments: see the stream comments.' },
    read(stream, question, call) {
      switch (stream) {
        case 'profile':
          return readProfile(login, call);
        case 'media':
        case 'stories':
          return readMedia(login, stream, question, call);
        case 'media_insights':
          return readInsights(login, question, call);
        case 'comments':
          return readComments(login, question, call);
        case 'account_insights':
          return readAccount(login, question, call);
        default:
          throw new Error(`Instagram has no stream ${stream}`);
      }
    },
    confirm: (_stream, ids, control, call) => confirmByIds(login, ids, control, call),
    confirmAtOnce: 10,
    readComment: (id, subject, call) => readComment(login, id, subject, call),
    moderation: createModeration(login),
  };
}

function streamsOf({ permissions: { capabilities } }: Login): Stream[] {
  const { read_media: media = [], read_comments: comments = [], read_insights: insights = [] } = capabilities;
  const list = { of: 'account', bucket: READS, order: 'newest_first' } as const;
  return [
    {
      ...list,
      name: 'profile',
      holds: 'profile',
      scopes: media,
      pageSize: 1,
      order: 'none',
      absence: 'none',
      cadence: { kind: 'list', young: 0, often: HOUR, rest: HOUR, most: 12 * HOUR },
      fullEvery: null,
    },
    {
      ...list,
      name: 'media',
      holds: 'media',
      scopes: media,
      pageSize: 100,
      absence: 'full_pass',
      cap: 10_000,
      cadence: OF_LISTS,
      fullEvery: DAY,
    },
    {
      ...list,
      name: 'stories',
      holds: 'media',
      scopes: media,
      pageSize: 100,
      absence: 'none',
      cadence: { kind: 'list', young: 0, often: HOUR, rest: HOUR, most: HOUR },
      fullEvery: null,
      life: STORY_LIFE,
    },
    {
      name: 'comments',
      of: 'media',
      holds: 'comments',
      scopes: comments,
      bucket: READS,
      pageSize: COMMENTS_PAGE,
      order: 'newest_first',
      // Comments of restricted people are withheld, and may come back.
      absence: 'by_id',
      cadence: OF_COMMENTS,
      cadenceWithEvents: OF_COMMENTS_WITH_EVENTS,
      fullEvery: MONTH,
    },
    {
      ...list,
      name: 'account_insights',
      holds: 'account_insights',
      scopes: insights,
      pageSize: 1,
      absence: 'none',
      cadence: { kind: 'list', young: 0, often: 6 * HOUR, rest: 6 * HOUR, most: 12 * HOUR },
      fullEvery: 7 * DAY,
    },
    {
      name: 'media_insights',
      of: 'media',
      holds: 'media_insights',
      scopes: insights,
      bucket: READS,
      pageSize: 1,
      order: 'none',
      absence: 'none',
      cadence: OF_INSIGHTS,
      fullEvery: MONTH,
      oldest: OLDEST_NUMBERS,
      lifeOf: ({ values }) => (values['productType'] === 'STORY' ? STORY_LIFE : null),
      kindOf,
    },
  ];
}
