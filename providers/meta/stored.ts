import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { StoredRequest } from '../requests.ts';
import { MediaRef } from './media.ts';

/** One stored post of Meta's platforms. */
const Unit = Type.Object({ mediaType: Type.String(), media: Type.Array(MediaRef), postInfo: Type.Unknown() });
const Stored = Type.Object({ ...Unit.properties, replies: Type.Optional(Type.Array(Unit)) });
type Unit = Static<typeof Unit>;

/** The body that asks for a stored request again. */
export function bodyOf({ request }: StoredRequest): Record<string, unknown> {
  if (!Value.Check(Stored, request)) return { ...Object(request) };
  const { replies } = request;
  return { ...unitOf(request), ...(replies === undefined ? {} : { replies: replies.map(unitOf) }) };
}

function unitOf({ mediaType, media, postInfo }: Unit): Record<string, unknown> {
  const files = media.map(fileOf);
  return { mediaType, ...(mediaType === 'CAROUSEL' ? { children: files } : files[0]), postInfo };
}

/** A file by its id, or by the URL field for its type. */
function fileOf({ kind, mediaId, url, ...more }: MediaRef): Record<string, unknown> {
  return { ...(mediaId === undefined ? { [`${kind}Url`]: url } : { mediaId }), ...more };
}
