import { Type, type Static } from 'typebox';
import { Mismatch, parse } from '../core/json.ts';
import type { MediaKeeper } from '../core/media.ts';
import { graphId } from '../meta/ids.ts';
import type { Instagram } from './context.ts';
import { addMedia, mediaById, removeMedia, restoreMedia } from './media.ts';
import { Media } from './state.ts';

const closed = { additionalProperties: false };
const { mediaType, productType, commentsEnabled, sharedToFacebook, metrics, breakdowns } = Media.properties;
const details = {
  commentsEnabled: Type.Optional(commentsEnabled),
  sharedToFacebook: Type.Optional(sharedToFacebook),
  metrics: Type.Optional(metrics),
  breakdowns: Type.Optional(breakdowns),
};
const More = Type.Object(details, closed);
const MoreOfNew = Type.Object(
  {
    ...details,
    mediaType: Type.Optional(mediaType),
    productType: Type.Optional(productType),
    /** How many pictures an album has. */
    children: Type.Integer({ minimum: 0, maximum: 20, default: 0 }),
  },
  closed,
);
const whole = Type.Optional(Type.Integer({ minimum: 0 }));
const Counts = Type.Object(
  { likes: whole, views: whole, reach: whole, shares: whole, saved: whole, reposts: whole, comments: whole },
  closed,
);

/** The neutral controls for media, on Instagram: none of it raises an event. */
export function mediaKeeper(instagram: Instagram): MediaKeeper {
  const { core, state } = instagram;

  function truth(media: Media, visible: boolean) {
    const { id, accountId: account, caption: text, createdAt, containerId } = media;
    const { likes, views, reach, shares, saved, reposts, commentsCount } = media;
    const here = state.comments.filter(({ mediaId, withheld }) => mediaId === id && !withheld).length;
    const counts = { likes, views, reach, shares, saved, reposts, comments: commentsCount ?? here };
    return { id, account, text, createdAt, counts, visible, published: containerId !== null };
  }

  return {
    make: ({ account, text, createdAt, counts, more }) => {
      if (!state.accounts.some(({ id }) => id === account))
        throw new Mismatch(`account: no account ${account}`);
      const { children, ...rest } = parse(MoreOfNew, more);
      const media = addMedia(instagram, {
        mediaType: 'IMAGE',
        productType: 'FEED',
        ...rest,
        ...stored(counts),
        accountId: account,
        caption: text,
        createdAt: createdAt ?? core.clock.now(),
        children: Array.from({ length: children }, () => ({
          id: graphId('1802'),
          mediaType: 'IMAGE',
          altText: '',
        })),
      });
      return media.id;
    },
    edit: (id, { text, counts = {}, more = {} }) => {
      const known = Object.entries(parse(More, more));
      // A detail that is not named stays, instead of getting its default.
      const changes = { ...Object.fromEntries(known.filter(([name]) => name in more)), ...stored(counts) };
      Object.assign(mediaById(instagram, id), text === undefined ? changes : { ...changes, caption: text });
    },
    remove: (id) => {
      mediaById(instagram, id);
      removeMedia(instagram, id);
    },
    restore: (id) => void restoreMedia(instagram, id),
    // Stories are no part of an account's media: they have a list of their own, and end.
    all: () => [
      ...state.media.filter(isNoStory).map((media) => truth(media, true)),
      ...state.removedMedia.filter(isNoStory).map((media) => truth(media, false)),
    ],
  };
}

const isNoStory = ({ productType: product }: Media): boolean => product !== 'STORY';

/** Counts by the names of a media here. */
function stored(given: Record<string, number>): Partial<Static<typeof Media>> {
  const { comments, ...counts } = parse(Counts, given);
  return comments === undefined ? counts : { ...counts, commentsCount: comments };
}
