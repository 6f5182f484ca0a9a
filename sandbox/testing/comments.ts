import { Type, type Static } from 'typebox';
import { parse } from '../core/json.ts';
import { createControl } from './client.ts';

/** What other people do below media, in the same words for each provider. */
export interface Commenting {
  /** Raises an event; the comment's id. */
  make: (mediaId: string, text: string) => Promise<string>;
  edit: (id: string, text: string) => Promise<unknown>;
  /** Their author takes them back. */
  remove: (id: string) => Promise<unknown>;
  restore: (id: string) => Promise<unknown>;
  /** Those that exist, of all accounts. */
  all: () => Promise<Static<typeof Truth>[]>;
}

const Truth = Type.Object({ id: Type.String(), mediaId: Type.String(), text: Type.String() });
const Comment = Type.Object({ id: Type.String() });
const Post = Type.Object({
  id: Type.String(),
  text: Type.String(),
  replyTo: Type.Union([Type.String(), Type.Null()]),
});

/** @returns null: apps learn nothing of the provider's comments */
export function createCommenting(url: string, provider: string): Commenting | null {
  const control = createControl(url);
  switch (provider) {
    case 'instagram':
      return {
        make: async (mediaId, text) =>
          parse(
            Type.Object({ comment: Comment }),
            await control('POST', '/instagram/comments', { mediaId, text }),
          ).comment.id,
        edit: (id, text) => control('POST', '/instagram/comments/edit', { id, text }),
        remove: (id) => control('POST', '/instagram/comments/delete', { id }),
        restore: (id) => control('POST', '/instagram/comments/restore', { id }),
        all: async () => parse(Type.Array(Truth), await control('GET', '/instagram/comments')),
      };
    case 'threads':
      return {
        make: async (replyTo, text) =>
          parse(Type.Object({ post: Comment }), await control('POST', '/threads/posts', { replyTo, text }))
            .post.id,
        edit: (id, text) => control('POST', '/threads/posts/edit', { ids: [id], text }),
        remove: (id) => control('POST', '/threads/posts/delete', { ids: [id] }),
        restore: (id) => control('POST', '/threads/posts/restore', { ids: [id] }),
        all: async () =>
          parse(Type.Array(Post), await control('GET', '/threads/posts')).flatMap(({ id, text, replyTo }) =>
            replyTo === null ? [] : [{ id, text, mediaId: replyTo }],
          ),
      };
    default:
      return null;
  }
}
