import { Type, type Static, type TSchema } from 'typebox';
import { parse } from '../core/json.ts';
import { Comment, Media } from '../instagram/state.ts';
import { createControl } from './client.ts';

const Ids = Type.Object({ ids: Type.Array(Type.String()) });
const Made = Type.Object({ comment: Comment });

/** The fields of the control API (sandbox/README.md); the sandbox refuses a wrong one by its name. */
type Fields = Record<string, unknown>;

/** What owners and other people do at Instagram itself: media that are not ours, comments, profiles. */
export function createInstagramWorld(url: string) {
  const control = createControl(url);

  async function send<S extends TSchema>(schema: S, path: string, body: Fields): Promise<Static<S>> {
    return parse(schema, await control('POST', `/instagram${path}`, body));
  }

  return {
    makeMedia: (fields: Fields = {}): Promise<Media> => send(Media, '/media', fields),
    makeManyMedia: async (count: number, fields: Fields = {}): Promise<string[]> =>
      (await send(Ids, '/media/many', { count, ...fields })).ids,
    editMedia: (id: string, fields: Fields): Promise<Media> =>
      send(Media, '/media/change', { id, ...fields }),
    setCounts: (id: string, counts: Record<string, number>): Promise<Media> =>
      send(Media, '/media/change', { id, ...counts }),
    deleteMedia: (id: string) => control('POST', '/instagram/media/delete', { id }),
    restoreMedia: (id: string): Promise<Media> => send(Media, '/media/undelete', { id }),
    comment: async (mediaId: string, text: string, fields: Fields = {}): Promise<Comment> =>
      (await send(Made, '/comments', { mediaId, text, ...fields })).comment,
    makeManyComments: async (mediaId: string, count: number, fields: Fields = {}): Promise<string[]> =>
      (await send(Ids, '/comments/many', { mediaId, count, text: 'one of many', ...fields })).ids,
    editComment: (id: string, fields: Fields): Promise<Comment> =>
      send(Comment, '/comments/edit', { id, ...fields }),
    deleteComment: (id: string) => control('POST', '/instagram/comments/delete', { id }),
    restoreComment: (id: string): Promise<Comment> => send(Comment, '/comments/restore', { id }),
    approveComment: (id: string): Promise<Comment> => send(Comment, '/comments/approve', { id }),
    restrict: (username: string) => control('POST', '/instagram/restrict', { username }),
    unrestrict: (username: string) => control('POST', '/instagram/unrestrict', { username }),
    setProfile: (fields: Fields) =>
      control('POST', '/instagram/accounts', { username: 'sandbox_creator', ...fields }),
    setDay: (day: string, metrics: Record<string, number>, breakdowns: Fields = {}) =>
      control('POST', '/instagram/account-days', { day, metrics, breakdowns }),
    setUsage: (usage: Fields) => control('POST', '/instagram/usage', usage),
    refuseMetrics: (metrics: string[], where: Fields = {}) =>
      control('POST', '/instagram/refuse-metrics', { metrics, ...where }),
    failList: (list: string, kind: string, when: Fields = {}) =>
      control('POST', '/instagram/fail-list', { list, kind, ...when }),
  };
}
export type InstagramWorld = ReturnType<typeof createInstagramWorld>;
