import { Type, type Static } from 'typebox';
import { NullableNumber, NullableString } from '../core/options.ts';

const Strings = Type.Array(Type.String());
const flag = Type.Boolean({ default: false });
const count = Type.Integer({ minimum: 0, default: 0 });
const closed = { additionalProperties: false };

/** A person who logs in at Facebook. */
export const FacebookUser = Type.Object({
  id: Type.String(),
  name: Type.String(),
  declined: Strings,
  /** The portfolio of the pages that belong to one. */
  businessId: Type.String(),
});
export type FacebookUser = Static<typeof FacebookUser>;

const TASKS = ['ANALYZE', 'ADVERTISE', 'MODERATE', 'CREATE_CONTENT', 'MANAGE'];

export const PageSpec = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    /** The Facebook user with a role on it; another call adds another user. */
    user: Type.String({ default: 'sandbox_creator' }),
    tasks: Type.Array(Type.String(), { default: TASKS }),
    /** Owned by a business portfolio: listed only with business_management (instagram-facts 9.9). */
    portfolio: flag,
    /** The username of the linked professional account. */
    instagram: Type.Union([Type.String(), Type.Null()], { default: null }),
  },
  closed,
);
export const FacebookPage = Type.Object({
  id: Type.String(),
  name: Type.String(),
  portfolio: Type.Boolean(),
  instagramId: NullableString,
  admins: Type.Array(Type.Object({ userId: Type.String(), tasks: Strings })),
  /** The fields of this page that the app is subscribed to. */
  subscribed: Strings,
});
export type FacebookPage = Static<typeof FacebookPage>;

/** A professional account, as a test may describe it; the rest is made up. */
export const AccountSpec = Type.Object(
  {
    username: Type.String({ minLength: 1 }),
    name: Type.Optional(Type.String()),
    accountType: Type.Union([Type.Literal('Business'), Type.Literal('Media_Creator')], {
      default: 'Business',
    }),
    biography: Type.String({ default: '' }),
    website: Type.String({ default: '' }),
    followers: count,
    follows: count,
    /** Restricted, inactive or checkpointed: publishing answers 25/2207050 (instagram-facts 5.2). */
    restricted: flag,
    /** Webhooks about comments and mentions need a public owner (instagram-facts 8.4). */
    private: flag,
    /** The number that the profile tells; absent: the media that are here. */
    mediaCount: Type.Optional(Type.Integer({ minimum: 0 })),
    pictureUrl: Type.Optional(Type.String()),
    /** When it became a professional account: older media have no insights (instagram-facts 12). */
    convertedAt: Type.Optional(Type.Integer()),
    quotaTotal: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  closed,
);
export const Account = Type.Object({
  ...AccountSpec.properties,
  id: Type.String(),
  /** The `id` at graph.instagram.com; paths and webhooks have the other one (instagram-facts 3.5). */
  scopedId: Type.String(),
  /** Its id as an author of comments (instagram-facts 7.3). */
  igsid: Type.String(),
  /** The fields that the app is subscribed to through Instagram Login. */
  subscribed: Strings,
});
export type Account = Static<typeof Account>;

/** The permissions and pages that were granted to the app. */
export const Grant = Type.Object({
  scopes: Strings,
  /** Facebook only: ids of the chosen pages; null: all pages, later ones too. */
  pages: Type.Union([Strings, Type.Null()]),
  at: Type.Number(),
});
export type Grant = Static<typeof Grant>;

export const Code = Type.Object({
  stack: Type.Union([Type.Literal('facebook'), Type.Literal('login')]),
  holder: Type.String(),
  redirectUri: Type.String(),
  expiresAt: Type.Number(),
});

export const Token = Type.Object({
  kind: Type.Union([Type.Literal('user'), Type.Literal('page'), Type.Literal('login')]),
  /** A Facebook user, or an account. */
  holder: Type.String(),
  pageId: NullableString,
  long: Type.Boolean(),
  issuedAt: Type.Number(),
  /** Null: never. */
  expiresAt: NullableNumber,
  /** Set: the token answers 190 with this subcode (instagram-facts 5.3). */
  dead: NullableNumber,
});
export type Token = Static<typeof Token>;
