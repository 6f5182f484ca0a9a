import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Post } from '../db/posts.ts';
import { MediaRef } from '../providers/meta/media.ts';

/** One post of Meta's platforms, as it is stored. */
const Unit = Type.Object({ mediaType: Type.String(), media: Type.Array(MediaRef), postInfo: Type.Unknown() });
const MetaRequest = Type.Object({ ...Unit.properties, replies: Type.Optional(Type.Array(Unit)) });
type Unit = Type.Static<typeof Unit>;

/** The body that the provider's own route takes for a post: what was chosen, and what stands where nothing was. */
export function requestView({
  request,
  mediaId,
  oauthAccountId: accountId,
}: Pick<Post, 'request' | 'mediaId' | 'oauthAccountId'>): Record<string, unknown> {
  if (Value.Check(MetaRequest, request)) {
    const { replies } = request;
    return {
      accountId,
      ...unitView(request),
      ...(replies === undefined ? {} : { replies: replies.map(unitView) }),
    };
  }
  const { pulled: _ours, ...body }: Record<string, unknown> = { ...Object(request) };
  return { accountId, ...(mediaId === null ? {} : { mediaId }), ...body };
}

function unitView({ mediaType, media, postInfo }: Unit): Record<string, unknown> {
  const files = media.map(fileView);
  return { mediaType, ...(mediaType === 'CAROUSEL' ? { children: files } : files[0]), postInfo };
}

/** A file by its id, or by the field that says what is behind its URL. */
function fileView({ kind, mediaId, url, ...more }: MediaRef): Record<string, unknown> {
  return { ...(mediaId === undefined ? { [`${kind}Url`]: url } : { mediaId }), ...more };
}
