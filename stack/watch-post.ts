import { setTimeout as sleep } from 'node:timers/promises';
import { Type, type Static } from 'typebox';
import type { Api } from './client.ts';

const Nullable = <S extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Object>>(schema: S) =>
  Type.Union([schema, Type.Null()]);
export const Post = Type.Object({
  id: Type.String(),
  state: Type.String(),
  phase: Type.Optional(Nullable(Type.String())),
  publishId: Nullable(Type.String()),
  providerPostId: Nullable(Type.String()),
  permalink: Nullable(Type.String()),
  progress: Type.Union([Type.Object({ sentBytes: Type.Number(), totalBytes: Type.Number() }), Type.Null()]),
  next: Type.Unknown(),
  error: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  workflowId: Type.String(),
});
export type Post = Static<typeof Post>;

const FINAL = ['published', 'delivered', 'failed', 'cancelled'];
/** A published post may get its public address a little later, by webhook. */
const PERMALINK_PATIENCE_MS = 30_000;

/** Polls the post until nothing more will change. */
export async function watchPost(
  api: Api,
  id: string,
  patienceMs: number,
  onChange: (post: Post) => void,
): Promise<Post> {
  const deadline = Date.now() + patienceMs;
  let permalinkBy = Infinity;
  for (;;) {
    const post = await api.get(`/api/posts/${id}`, Post);
    onChange(post);
    if (post.state === 'published') permalinkBy = Math.min(permalinkBy, Date.now() + PERMALINK_PATIENCE_MS);
    const complete = post.state !== 'published' || post.permalink !== null || Date.now() > permalinkBy;
    if (FINAL.includes(post.state) && complete) return post;
    if (Date.now() > deadline) return post;
    await sleep(150);
  }
}
