import { Type, type Static } from 'typebox';
import { Changes, control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { Mismatch, parse } from '../core/json.ts';
import { choice, count } from '../core/options.ts';
import { graphId } from '../meta/ids.ts';
import { accountNamed, type Instagram } from './context.ts';
import { addMedia, mediaById, removeMedia, restoreMedia } from './media.ts';
import { Media } from './state.ts';

const closed = { additionalProperties: false };
const Id = Type.Object({ id: Type.String() }, closed);
const { mediaType, productType, commentsCount, metrics, breakdowns } = Media.properties;

/** The parts of a media that its owner, and time, change. */
const Changing = {
  caption: Type.String({ default: '' }),
  createdAt: Type.Optional(Type.Integer()),
  likes: count(0),
  views: count(0),
  reach: count(0),
  shares: count(0),
  saved: count(0),
  reposts: count(0),
  commentsCount,
  metrics,
  breakdowns,
  commentsEnabled: Type.Boolean({ default: true }),
  sharedToFacebook: Type.Boolean({ default: false }),
};
const MediaSpec = Type.Object(
  {
    account: Type.Optional(Type.String()),
    ...Changing,
    mediaType: choice('IMAGE', 'VIDEO', 'CAROUSEL_ALBUM'),
    productType: choice('FEED', 'REELS', 'STORY'),
    /** How many pictures an album has. */
    children: Type.Integer({ minimum: 0, maximum: 20, default: 0 }),
  },
  closed,
);
const Many = Type.Object(
  {
    ...MediaSpec.properties,
    count: Type.Integer({ minimum: 1, maximum: 20_000 }),
    /** From the newest, `createdAt`, back to the oldest. */
    spreadMs: count(0),
  },
  closed,
);
const Editable = Type.Object({ id: Type.String(), ...Changing }, closed);
const Refused = Type.Object(
  {
    metrics: Type.Array(Type.String()),
    productType: Type.Optional(productType),
    mediaType: Type.Optional(mediaType),
  },
  closed,
);

/** Media that the owner makes, changes and deletes in the app: none of it raises an event. */
export function ownMediaControls(instagram: Instagram): Route[] {
  const { core, state } = instagram;

  function make({ account, children, ...spec }: Static<typeof MediaSpec>, createdAt: number): Media {
    const pictures = Array.from({ length: children }, () => ({
      id: graphId('1802'),
      mediaType: 'IMAGE',
      altText: '',
    }));
    const { id: accountId } = accountNamed(instagram, account);
    return addMedia(instagram, { ...spec, accountId, createdAt, children: pictures });
  }

  /** The oldest first, as they were posted. */
  function makeMany({ count: many, createdAt, spreadMs, ...spec }: Static<typeof Many>): { ids: string[] } {
    const newest = createdAt ?? core.clock.now();
    const times = Array.from({ length: many }, (_none, place) =>
      Math.floor(newest - (spreadMs * (many - 1 - place)) / Math.max(many - 1, 1)),
    );
    return { ids: times.map((time) => make(spec, time).id) };
  }

  /** Only the named parts change. */
  function edit(changes: Record<string, unknown>): Media {
    const media = mediaById(instagram, String(changes['id']));
    const known = Object.fromEntries(Object.entries(media).filter(([name]) => name in Editable.properties));
    return Object.assign(media, parse(Editable, { ...known, ...changes }));
  }

  return [
    control('GET', '/instagram/media', Nothing, () => state.media),
    control('POST', '/instagram/media', MediaSpec, (spec) => make(spec, spec.createdAt ?? core.clock.now())),
    control('POST', '/instagram/media/many', Many, makeMany),
    control('POST', '/instagram/media/change', Changes, edit),
    control('POST', '/instagram/media/delete', Id, ({ id }) => {
      mediaById(instagram, id);
      removeMedia(instagram, id);
    }),
    control('POST', '/instagram/media/undelete', Id, ({ id }) => restoreMedia(instagram, id)),
    control('POST', '/instagram/refuse-metrics', Refused, (refused) => {
      if (refused.metrics.length === 0) throw new Mismatch('metrics: name one at least; DELETE allows all');
      const { productType: product = null, mediaType: type = null } = refused;
      const added = refused.metrics.map((metric) => ({ metric, productType: product, mediaType: type }));
      state.refusedMetrics.push(...added);
      return state.refusedMetrics;
    }),
    control('DELETE', '/instagram/refuse-metrics', Nothing, () => {
      state.refusedMetrics = [];
    }),
  ];
}
