import { listOf, type App, type Made, type Sandbox, type Told } from './sandbox.ts';
import type { PlannedFile, Taken } from './chaos.ts';

/* What the drivers of Instagram and Threads have in common. */

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

/** Come later; it went wrong, or perhaps not. */
export const ANSWERS = [
  { http: 500, code: '2' },
  { http: 500, code: '-1/2207001' },
] as const;

/** The sandbox's containers, children too. @param fields the names that the account, the text and the post have there */
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

/** The account stands in the value, because Meta's envelope does not always name it. */
export const valueOf = ({ openId, mark }: Told): object => ({ mark: `${mark}:${openId}` });

export function toldBy(text: string): Told[] {
  return [...text.matchAll(MARK)].map(([, mark = '', openId = '']) => ({ openId, mark }));
}
