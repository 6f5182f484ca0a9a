import { ProviderError } from '../../../providers/errors.ts';
import { id, records, text as textOf } from '../../../providers/json.ts';
import { callGraph } from '../../../providers/meta/graph.ts';
import type { Moderation, ReadCall } from '../../../providers/reading.ts';
import { type FacebookLoginSettings, INSTAGRAM, VERSION } from '../../../providers/instagram/client.ts';

/* How Facebook Login moderates comments (instagram-facts 7.3 and 12), for an Instagram that does not know it itself. */

export function createModeration({ graphUrl, appSecret }: FacebookLoginSettings): Moderation {
  const call = (
    c: ReadCall,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    params: Record<string, string> = {},
  ) =>
    callGraph(INSTAGRAM, {
      base: `${graphUrl}/${VERSION}`,
      appSecret,
      method,
      path,
      params,
      effect: method === 'GET' ? 'read' : 'publish',
      accessToken: c.accessToken,
      signal: c.signal,
    }).catch((error: unknown): never => {
      if (error instanceof ProviderError && error.providerCode === '20/1772107')
        throw new ProviderError({ ...error.init, kind: 'unknown' });
      if (error instanceof ProviderError && method === 'DELETE' && error.providerCode === '100/33')
        throw new ProviderError({ ...error.init, kind: 'gone' });
      throw error;
    });
  const moderation: Moderation = {
    obstacle(kind, subject, scopes) {
      if (kind === 'approve' || kind === 'ignore')
        return { code: 'not_supported', reason: 'no_approvals', message: 'none', userMessage: 'None.' };
      if (kind === 'hide' && subject.own)
        return { code: 'not_supported', reason: 'own', message: 'own', userMessage: 'Own.' };
      const needs = ['instagram_manage_comments'];
      return needs.every((scope) => scopes.includes(scope))
        ? null
        : { code: 'permission_missing', needs: { scopes: needs } };
    },
    async act({ kind, subject, text }, c) {
      const at = `/${subject.commentId}`;
      if (kind === 'reply') {
        const said = await call(c, 'POST', `${at}/replies`, { message: text ?? '' });
        return { providerRef: id(said['id']) };
      }
      if (kind === 'hide' || kind === 'unhide') await call(c, 'POST', at, { hide: String(kind === 'hide') });
      else if (kind === 'delete') await call(c, 'DELETE', at);
      else
        await call(c, kind === 'like' ? 'POST' : 'DELETE', `/${c.openId}/likes`, {
          comment_id: subject.commentId,
        });
      return { providerRef: null };
    },
    async find({ subject, text, sentAt, taken }, c) {
      const said = await call(c, 'GET', `/${subject.parentId ?? subject.commentId}/replies`, {
        fields: 'id,text,timestamp,username,from',
        limit: '50',
      });
      const found = records(said['data']).find(
        (row) =>
          textOf(row['text']) === text &&
          !taken.includes(id(row['id']) ?? '') &&
          Date.parse(textOf(row['timestamp']) ?? '') >= (sentAt?.getTime() ?? 0) - 60_000,
      );
      return found === undefined ? null : id(found['id']);
    },
  };
  return moderation;
}
