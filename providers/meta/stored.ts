import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { StoredRequest } from '../requests.ts';
import { MediaRef } from './media.ts';

/** One post of Meta's platforms, as it is stored. */
const Unit = Type.Object({ mediaType: Type.String(), media: Type.Array(MediaRef), postInfo: Type.Unknown() });
const Stored = Type.Object({ ...Unit.properties, replies: Type.Optional(Type.Array(Unit)) });
type Unit = Static<typeof Unit>;

/** The body that a route of Meta's platforms takes for a stored request. */
export function bodyOf({ request }: StoredRequest): Record<string, unknown> {
  if (!Value.Check(Stored, request)) return { ...Object(request) };
  const { replies } = request;
  return { ...unitOf(request), ...(replies === undefined ? {} : { replies: replies.map(unitOf) }) };
}

function unitOf({ mediaType, media, postInfo }: Unit): Record<string, unknown> {
  const files = media.map(fileOf);
  return { mediaType, ...(mediaType === 'CAROUSEL' ? { children: files } : files[0]), postInfo };
}

/** A file by its id, or by the field that says what is behind its URL. */
function fileOf({ kind, mediaId, url, ...more }: MediaRef): Record<string, unknown> {
  return { ...(mediaId === undefined ? { [`${kind}Url`]: url } : { mediaId }), ...more };
}
