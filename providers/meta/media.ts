import { Type, type Static } from 'typebox';
import type { PostContext } from '../publishing.ts';

/** A file of a post: one of ours, or one at a client's URL. */
export const MediaRef = Type.Object({
  kind: Type.Union([Type.Literal('image'), Type.Literal('video')]),
  mediaId: Type.Optional(Type.String()),
  url: Type.Optional(Type.String()),
  alt_text: Type.Optional(Type.String()),
  user_tags: Type.Optional(Type.Array(Type.Unknown())),
});
export type MediaRef = Static<typeof MediaRef>;

export const isOurs = ({ mediaId }: MediaRef): boolean => mediaId !== undefined;

/** The URL that Meta fetches a file from: `image_url` or `video_url` of a container. */
export function urlParams(
  { mediaUrl }: PostContext,
  { kind, mediaId, url }: MediaRef,
): Record<string, string> {
  const address = url ?? (mediaId === undefined ? null : mediaUrl(mediaId));
  if (address === null) throw new Error('a file has neither id nor URL');
  return kind === 'image' ? { image_url: address } : { video_url: address };
}

/**
 * Parameters in Meta's format: text unchanged, lists and objects as JSON text (instagram-facts 1.4, threads-facts 1.2),
 * absent values left out.
 */
export function fields(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined || value === null
        ? []
        : [[name, typeof value === 'string' ? value : JSON.stringify(value)]],
    ),
  );
}
