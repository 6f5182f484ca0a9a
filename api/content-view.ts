import { type Static, Type } from 'typebox';
import type { Account } from '../db/accounts.ts';
import type { AccountInsight, MediaInsight } from '../db/content/insights.ts';
import type { MediaCopy, Profile } from '../db/content/media.ts';
import { Anything, nullable, text, textOrNull, Time } from './schemas.ts';

/* Copied media, profiles and numbers as clients see them. */

const Raw = Type.Optional(Type.Union([Anything, Type.Null()], { description: 'The platform’s own words.' }));
const rawOf = ({ raw }: { raw?: Record<string, unknown> | null }, asked: boolean) =>
  asked ? { raw: raw ?? null } : {};

export const ProfileView = Type.Object(
  {
    provider: Type.String(),
    accountId: Type.String(),
    username: nullable.string,
    displayName: nullable.string,
    biography: nullable.string,
    website: nullable.string,
    pictureUrl: nullable.string,
    verified: Type.Unsafe<boolean | null>({ type: ['boolean', 'null'] }),
    followers: nullable.integer,
    following: nullable.integer,
    mediaCount: nullable.integer,
    likes: nullable.integer,
    readAt: Type.Unsafe<string | null>({ ...nullable.time, description: 'Null: it was not read yet.' }),
    updatedAt: nullable.time,
    raw: Raw,
  },
  {
    $id: 'Profile',
    description: 'A copy of an account’s profile; null: not told by the platform, or not read yet.',
  },
);

/** @param profile null: nothing was read yet */
export function profileView(
  { id, provider }: Account,
  profile: Profile | null,
  withRaw: boolean,
): Static<typeof ProfileView> {
  return {
    provider,
    accountId: id,
    username: profile?.username ?? null,
    displayName: profile?.displayName ?? null,
    biography: profile?.biography ?? null,
    website: profile?.website ?? null,
    pictureUrl: profile?.pictureUrl ?? null,
    verified: profile?.verified ?? null,
    followers: profile?.followers ?? null,
    following: profile?.following ?? null,
    mediaCount: profile?.mediaCount ?? null,
    likes: profile?.likes ?? null,
    readAt: textOrNull(profile?.readAt ?? null),
    updatedAt: textOrNull(profile?.updatedAt ?? null),
    ...rawOf({ raw: profile?.raw ?? null }, withRaw),
  };
}

export const MediaCopyView = Type.Object(
  {
    id: Type.String(),
    provider: Type.String(),
    accountId: Type.String(),
    providerMediaId: Type.String(),
    type: Type.Unsafe<string | null>({
      ...nullable.string,
      description: 'Such as `video`, `image`, `carousel`, `reel`, `story`, `text` or `repost`.',
    }),
    text: nullable.string,
    permalink: nullable.string,
    timestamp: nullable.time,
    postId: Type.Unsafe<string | null>({
      ...nullable.string,
      description: 'The post that published it; null: it was published elsewhere.',
    }),
    metrics: Type.Record(Type.String(), Type.Number(), {
      description: 'The newest numbers. One that the platform does not tell is absent: it is not 0.',
    }),
    metricsState: Type.Unsafe<string | null>({
      ...nullable.string,
      description:
        '`ok`, `empty`, `too_few_viewers`, `before_conversion`, `not_supported` or `expired`: what the platform said last; null: it was not asked yet.',
    }),
    firstSeenAt: Time,
    readAt: nullable.time,
    updatedAt: Time,
    removedAt: nullable.time,
    removedReason: Type.Unsafe<string | null>({
      ...nullable.string,
      description: '`absent`, `event`, `asked`, `expired` or `not_public`: the proof that it is gone.',
    }),
    raw: Raw,
  },
  {
    $id: 'MediaCopy',
    description: 'A copy of a media of an account, also of one that Everpost did not publish.',
  },
);

export function mediaCopyView(media: MediaCopy, withRaw: boolean): Static<typeof MediaCopyView> {
  return {
    id: media.id,
    provider: media.provider,
    accountId: media.accountId,
    providerMediaId: media.providerMediaId,
    type: media.type,
    text: media.text,
    permalink: media.permalink,
    timestamp: textOrNull(media.timestamp),
    postId: media.postId,
    metrics: media.metrics,
    metricsState: media.metricsState,
    firstSeenAt: text(media.firstSeenAt),
    readAt: textOrNull(media.readAt),
    updatedAt: text(media.updatedAt),
    removedAt: textOrNull(media.removedAt),
    removedReason: media.removedReason,
    ...rawOf(media, withRaw),
  };
}

const Breakdown = Type.Optional(
  Type.String({ description: 'As in `action_type=CALL`; absent: the whole number.' }),
);

export const MediaInsightView = Type.Object(
  { metric: Type.String(), breakdown: Breakdown, takenAt: Time, value: Type.Number() },
  {
    $id: 'MediaInsight',
    description: 'A number of a media from this time on, until the next one of its metric.',
  },
);

export const mediaInsightView = (one: MediaInsight): Static<typeof MediaInsightView> => ({
  metric: one.metric,
  ...breakdownOf(one),
  takenAt: text(one.takenAt),
  value: one.value,
});

export const AccountInsightView = Type.Object(
  {
    metric: Type.String(),
    breakdown: Breakdown,
    period: Type.String({ description: '`day` or `lifetime`.' }),
    day: Type.Optional(Type.String({ description: 'The day in California, of a number of one day.' })),
    endTime: Type.Unsafe<string | null>({ ...nullable.time, description: 'The end of the day.' }),
    takenAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'When it was read, of a number of the lifetime.' }),
    ),
    value: Type.Number(),
  },
  { $id: 'AccountInsight', description: 'A number of an account: of one day, or of its lifetime.' },
);

export const accountInsightView = (one: AccountInsight): Static<typeof AccountInsightView> => ({
  metric: one.metric,
  ...breakdownOf(one),
  period: one.period,
  ...(one.day === null ? { takenAt: text(one.readAt) } : { day: one.day }),
  endTime: textOrNull(one.endTime),
  value: one.value,
});

const breakdownOf = ({ breakdown }: { breakdown: string }) => (breakdown === '' ? {} : { breakdown });

export const CONTENT_VIEWS = [ProfileView, MediaCopyView, MediaInsightView, AccountInsightView] as const;
