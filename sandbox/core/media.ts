import { Type, type Static } from 'typebox';
import { control, Nothing } from './control.ts';
import type { Route } from './http.ts';
import { Mismatch } from './json.ts';

const closed = { additionalProperties: false };
const MAX_AT_ONCE = 100_000;

/** Numbers by name; which names exist is the provider's own matter. */
const Counts = Type.Record(Type.String(), Type.Integer({ minimum: 0 }));
/** Fields that only this provider has. */
const More = Type.Record(Type.String(), Type.Unknown());

/** Media that a creator makes in the platform's own app. */
const Making = Type.Object(
  {
    /** The provider's own id of the account. */
    account: Type.String(),
    /** Of many, each text gets its number. */
    text: Type.String({ default: '' }),
    /** Of the newest; absent: now. */
    createdAt: Type.Optional(Type.Integer()),
    count: Type.Integer({ minimum: 1, maximum: MAX_AT_ONCE, default: 1 }),
    /** How much older than the one before each of many is. */
    everyMs: Type.Integer({ minimum: 0, default: 60_000 }),
    counts: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), { default: {} }),
    more: Type.Record(Type.String(), Type.Unknown(), { default: {} }),
  },
  closed,
);
const ids = Type.Array(Type.String(), { minItems: 1, maxItems: MAX_AT_ONCE });
const Edit = Type.Object(
  { ids, text: Type.Optional(Type.String()), counts: Type.Optional(Counts), more: Type.Optional(More) },
  closed,
);
const ByIds = Type.Object({ ids }, closed);

export interface MediaToMake {
  account: string;
  text: string;
  createdAt: number | undefined;
  counts: Record<string, number>;
  more: Record<string, unknown>;
}
export type MediaChanges = Omit<Static<typeof Edit>, 'ids'>;

/** One of an account's media as the platform has it, whatever the API shows of it. */
export interface MediaTruth {
  id: string;
  account: string;
  text: string;
  createdAt: number;
  counts: Record<string, number>;
  /** Whether the API of the platform tells it now. */
  visible: boolean;
  /** Made through the publishing API, not by these controls. */
  published: boolean;
}

/** The part that each provider does in its own way. An unknown id or field is a Mismatch. */
export interface MediaKeeper {
  make: (media: MediaToMake) => string;
  edit: (id: string, changes: MediaChanges) => void;
  remove: (id: string) => void;
  restore: (id: string) => void;
  all: () => MediaTruth[];
}

/** What a creator does with media in the app itself: the same verbs for each provider. */
export function mediaControls(provider: string, keeper: MediaKeeper): Route[] {
  const path = (verb: string): string => `/${provider}/media/${verb}`;
  return [
    control('POST', path('make'), Making, ({ count, everyMs, createdAt, text, ...spec }) => {
      if (count > 1 && createdAt === undefined) throw new Mismatch('many need createdAt, of the newest');
      // Oldest first, as they would have come about.
      const made = Array.from({ length: count }, (_none, index) => count - 1 - index).map((age) =>
        keeper.make({
          ...spec,
          text: count === 1 ? text : `${text} ${count - age}`,
          createdAt: createdAt === undefined ? undefined : createdAt - age * everyMs,
        }),
      );
      return { ids: made };
    }),
    control('POST', path('edit'), Edit, ({ ids: wanted, ...changes }) => {
      for (const id of wanted) keeper.edit(id, changes);
    }),
    control('POST', path('remove'), ByIds, ({ ids: wanted }) => {
      for (const id of wanted) keeper.remove(id);
    }),
    control('POST', path('restore'), ByIds, ({ ids: wanted }) => {
      for (const id of wanted) keeper.restore(id);
    }),
    control('GET', path('all'), Nothing, (_body, { url }) => {
      const account = url.searchParams.get('account');
      return keeper.all().filter((media) => account === null || media.account === account);
    }),
  ];
}
