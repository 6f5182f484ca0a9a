import { DAY, HOUR, MINUTE } from '../../durations.ts';
import type { Page, Question, ReadCall, Reading, Stream } from '../reading.ts';
import type { ThreadsSettings } from './client.ts';
import { createModeration } from './moderation.ts';
import { createReads } from './read.ts';
import { confirmByIds } from './read-by-id.ts';
import { readAccountInsights, readMediaInsights } from './read-insights.ts';
import { readMedia, readProfile } from './read-media.ts';
import { readReplies, readReply } from './read-replies.ts';

/** At least 48,000 calls a day are allowed for an account (threads-facts 9): sync uses at most half of them. */
const CALLS = { name: 'calls', window: DAY, most: 24_000 } as const;
/** The longest page (threads-facts 6.1). */
const PAGE = 100;
const MONTH = 30 * DAY;

/** Numbers settle within 48 hours (threads-facts 16). */
const BY_AGE = [
  { under: 3 * DAY, every: 3 * HOUR },
  { under: 7 * DAY, every: 12 * HOUR },
  { under: MONTH, every: DAY },
  { under: 90 * DAY, every: 7 * DAY },
] as const;

const PROFILE: Stream = {
  name: 'profile',
  of: 'account',
  holds: 'profile',
  scopes: ['threads_basic'],
  // The number of followers is a statistic (threads-facts 3).
  partScopes: ['threads_manage_insights'],
  bucket: CALLS,
  pageSize: 1,
  order: 'none',
  absence: 'none',
  cadence: { kind: 'list', young: 0, often: HOUR, rest: HOUR, most: 12 * HOUR },
  fullEvery: null,
};

const MEDIA: Stream = {
  name: 'media',
  of: 'account',
  holds: 'media',
  scopes: ['threads_basic'],
  bucket: CALLS,
  pageSize: PAGE,
  order: 'newest_first',
  absence: 'full_pass',
  cadence: { kind: 'list', young: DAY, often: 15 * MINUTE, rest: HOUR, most: 12 * HOUR },
  fullEvery: DAY,
};

const REPLIES: Stream = {
  name: 'replies',
  of: 'media',
  holds: 'comments',
  scopes: ['threads_basic', 'threads_read_replies'],
  bucket: CALLS,
  pageSize: PAGE,
  order: 'oldest_first',
  absence: 'by_id',
  // Events come soon, but not of private profiles, edits or approvals (threads-facts 10 and 16).
  cadence: { kind: 'age', rows: [{ under: DAY, every: HOUR }, ...BY_AGE], after: null },
  fullEvery: MONTH,
};

const MEDIA_INSIGHTS: Stream = {
  name: 'media_insights',
  of: 'media',
  holds: 'media_insights',
  scopes: ['threads_basic', 'threads_manage_insights'],
  bucket: CALLS,
  pageSize: 1,
  order: 'none',
  absence: 'none',
  cadence: {
    kind: 'age',
    rows: [{ under: 6 * HOUR, every: 15 * MINUTE }, { under: DAY, every: HOUR }, ...BY_AGE],
    after: null,
    once: 2 * DAY,
  },
  fullEvery: MONTH,
  kindOf: ({ values: { mediaType } }) => (typeof mediaType === 'string' ? mediaType : ''),
};

const ACCOUNT_INSIGHTS: Stream = {
  name: 'account_insights',
  of: 'account',
  holds: 'account_insights',
  scopes: ['threads_basic', 'threads_manage_insights'],
  bucket: CALLS,
  pageSize: 1,
  order: 'newest_first',
  absence: 'none',
  cadence: { kind: 'list', young: 0, often: 6 * HOUR, rest: 6 * HOUR, most: 12 * HOUR },
  fullEvery: 7 * DAY,
};

/** What can be read from Threads (threads-facts 3, 6, 8 and 16), and moderated there. */
export function createReading(settings: ThreadsSettings): Reading {
  const reads = createReads(settings);
  return {
    streams: [PROFILE, MEDIA, REPLIES, MEDIA_INSIGHTS, ACCOUNT_INSIGHTS],
    unsupported: {
      stories: 'Threads has no stories.',
      comments: 'Comments are replies on Threads: see the stream replies.',
    },
    read(stream, question: Question, call: ReadCall): Promise<Page> {
      switch (stream) {
        case 'profile':
          return readProfile(reads, call);
        case 'media':
          return readMedia(reads, question, call);
        case 'replies':
          return readReplies(reads, question, call);
        case 'media_insights':
          return readMediaInsights(reads, question, call);
        case 'account_insights':
          return readAccountInsights(reads, question, call);
        case 'stories':
        case 'comments':
          throw new Error(`Threads has no stream ${stream}`);
      }
    },
    confirm: (_stream, ids, control, call) => confirmByIds(reads, ids, control, call),
    // One call each, and one for the control.
    confirmAtOnce: 10,
    readComment: (id, subject, call) => readReply(reads, id, subject, call),
    moderation: createModeration(settings),
  };
}
