import type { Static } from 'typebox';
import { Mismatch, parse } from '../core/json.ts';
import { graphId, shortcode } from '../meta/ids.ts';
import type { Instagram } from './context.ts';
import { Media, type Comment } from './state.ts';
import { endStoryLater } from './stories.ts';

type Given = Pick<Media, 'accountId' | 'mediaType' | 'productType' | 'createdAt'> &
  Partial<Static<typeof Media>>;

/** A new media, published through the API or made by the owner in the app. */
export function addMedia(instagram: Instagram, given: Given): Media {
  const nothing = {
    containerId: null,
    caption: '',
    altText: null,
    children: [],
    files: [],
    shareToFeed: true,
  };
  const media = parse(Media, { id: graphId('1801'), shortcode: shortcode(), ...nothing, ...given });
  instagram.state.media.push(media);
  if (media.productType === 'STORY') endStoryLater(instagram, media);
  return media;
}

export function mediaById({ state }: Instagram, id: string): Media {
  return state.media.find((media) => media.id === id) ?? unknown('media', id);
}

export function commentById({ state }: Instagram, id: string): Comment {
  return state.comments.find((comment) => comment.id === id) ?? unknown('comment', id);
}

/** No event tells that a media was deleted. Its comments go with it. */
export function removeMedia({ state }: Instagram, id: string): void {
  state.removedMedia.push(...state.media.filter((media) => media.id === id));
  state.media = state.media.filter((media) => media.id !== id);
  state.removedComments.push(...state.comments.filter(({ mediaId }) => mediaId === id));
  state.comments = state.comments.filter(({ mediaId }) => mediaId !== id);
}

/** The media and its comments come back, as when the owner takes a media out of the trash. */
export function restoreMedia({ state }: Instagram, id: string): Media {
  const media = state.removedMedia.find((candidate) => candidate.id === id) ?? unknown('deleted media', id);
  state.removedMedia = state.removedMedia.filter((candidate) => candidate !== media);
  state.media.push(media);
  state.comments.push(...state.removedComments.filter(({ mediaId }) => mediaId === id));
  state.removedComments = state.removedComments.filter(({ mediaId }) => mediaId !== id);
  return media;
}

/** No event tells that a comment was deleted. Its replies go with it. */
export function removeComment({ state }: Instagram, id: string): void {
  const isGone = (comment: Comment): boolean => comment.id === id || comment.parentId === id;
  state.removedComments.push(...state.comments.filter(isGone));
  state.comments = state.comments.filter((comment) => !isGone(comment));
}

export function restoreComment({ state }: Instagram, id: string): Comment {
  const comment =
    state.removedComments.find((candidate) => candidate.id === id) ?? unknown('deleted comment', id);
  const back = state.removedComments.filter(
    (candidate) => candidate === comment || candidate.parentId === id,
  );
  state.removedComments = state.removedComments.filter((candidate) => !back.includes(candidate));
  state.comments.push(...back);
  return comment;
}

function unknown(what: string, id: string): never {
  throw new Mismatch(`no ${what} ${id}`);
}
