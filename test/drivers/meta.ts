import { listOf, type App, type Made, type Sandbox, type Told } from './sandbox.ts';
import type { PlannedFile, Taken } from './chaos.ts';

/* Shared by the drivers of Instagram and Threads. */

export function metaFlags(name: string, app: App, options: object | undefined): string[] {
  return [
    `--${name}-app-id=${app.clientKey}`,
    `--${name}-app-secret=${app.clientSecret}`,
    `--${name}-redirect-uri=${app.redirectUri}`,
    `--${name}-webhook-url=${app.webhookUrl}`,
    `--${name}-verify-token=${app.verifyToken}`,
    `--${name}-deauthorize-url=${app.webhookUrl}/deauthorize`,
    `--${name}-data-deletion-url=${app.webhookUrl}/data-deletion`,
    ...(options === undefined ? [] : [`--${name}-options=${JSON.stringify(options)}`]),
  ];
}

export const IMAGE_URL = { from: 'url', what: 'image' } as const satisfies PlannedFile;
export const VIDEO_URL = { from: 'url', what: 'video' } as const satisfies PlannedFile;

/** How a request names a file. */
export function mediaOf(file: Taken): object {
  if ('mediaId' in file) return file;
  return file.what === 'image' ? { imageUrl: file.url } : { videoUrl: file.url };
}

/** Try later; it failed, or perhaps not. */
export const ANSWERS = [
  { http: 500, code: '2' },
  { http: 500, code: '-1/2207001' },
] as const;

/**
 * The sandbox's containers, children too. @param fields the names of the account's, the text's and the post's fields
 */
export async function containers(
  sandbox: Sandbox,
  path: string,
  fields: { owner: string; text: string; postId: string },
): Promise<Made[]> {
  const found = await listOf(sandbox, path);
  return found.map((container) => ({
    id: container.id,
    postIds: [container[fields.postId]].filter((postId) => postId !== null),
    openId: container[fields.owner],
    text: container[fields.text],
    urls: [container.params.image_url, container.params.video_url].filter((url) => typeof url === 'string'),
    live: container.live,
    refused: container.status === 'ERROR',
    status: container.status,
    sha256s: container.sha256,
  }));
}

const MARK = /"mark":"([\w.-]+):(\d+)"/g;

/** The value names the account, because Meta's envelope does not always do so. */
export const valueOf = ({ openId, mark }: Told): object => ({ mark: `${mark}:${openId}` });

export function toldBy(text: string): Told[] {
  return [...text.matchAll(MARK)].map(([, mark = '', openId = '']) => ({ openId, mark }));
}
