import { Type, type Static } from 'typebox';
import { parse } from '../core/json.ts';
import type { Changes, Making } from '../threads/post-controls.ts';
import { Post, type DayNumbers, type ListFault } from '../threads/state.ts';
import { createControl } from './client.ts';

const Made = Type.Object({ post: Post, ids: Type.Array(Type.String()) });
const Posts = Type.Array(Post);

type Fields = Partial<Making>;
type Fault = Partial<Omit<ListFault, 'list' | 'kind'>>;

/** What profiles and other people do at Threads itself: posts that are not ours, replies, profiles, numbers. */
export function createThreadsWorld(url: string) {
  const control = createControl(url);

  async function make(fields: Fields): Promise<Static<typeof Made>> {
    return parse(Made, await control('POST', '/threads/posts', fields));
  }

  async function edit(ids: string[], changes: Changes): Promise<Post[]> {
    return parse(Posts, await control('POST', '/threads/posts/edit', { ids, ...changes }));
  }

  const remove = (...ids: string[]) => control('POST', '/threads/posts/delete', { ids });
  const restore = (...ids: string[]) => control('POST', '/threads/posts/restore', { ids });

  return {
    makeMedia: async (fields: Fields = {}): Promise<Post> =>
      (await make({ username: 'sandbox_creator', ...fields })).post,
    /** Oldest first; their ids. */
    makeManyMedia: async (count: number, fields: Fields = {}): Promise<string[]> =>
      (await make({ username: 'sandbox_creator', silent: true, count, ...fields })).ids,
    editMedia: (id: string, changes: Changes) => edit([id], changes),
    setCounts: (
      id: string,
      counts: Pick<Changes, 'views' | 'likes' | 'shares' | 'replies' | 'reposts' | 'quotes'>,
    ) => edit([id], counts),
    deleteMedia: remove,
    restoreMedia: restore,
    /** A reply to a post, or to a reply, by somebody who has not connected the app unless `username` is a profile. */
    comment: async (mediaId: string, text: string, fields: Fields = {}): Promise<Post> =>
      (await make({ replyTo: mediaId, text, ...fields })).post,
    makeManyComments: async (mediaId: string, count: number, fields: Fields = {}): Promise<string[]> =>
      (await make({ replyTo: mediaId, silent: true, count, text: 'answer {n}', ...fields })).ids,
    editComment: (id: string, changes: Changes) => edit([id], changes),
    deleteComment: remove,
    restoreComment: restore,
    setProfile: (fields: Record<string, unknown>) =>
      control('POST', '/threads/profiles', { username: 'sandbox_creator', ...fields }),
    setDay: (day: string, numbers: DayNumbers | null, username?: string) =>
      control('POST', '/threads/numbers', { days: { [day]: numbers }, ...(username ? { username } : {}) }),
    failList: (list: ListFault['list'], kind: ListFault['kind'], when: Fault = {}) =>
      control('POST', '/threads/fail-list', { list, kind, ...when }),
  };
}
