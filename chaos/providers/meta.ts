import type { ApiClient } from '../client.ts';
import { listOf, type Made, type PlannedFile, type Taken, type Told } from './provider.ts';

/* What Instagram and Threads have in common. */

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
  api: ApiClient,
  path: string,
  fields: { owner: string; text: string; postId: string },
): Promise<Made[]> {
  const found = await listOf(api, path);
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

/** An event that only we understand. */
export const marked = ({ openId, mark }: Told): object => ({ mark: `${mark}:${openId}` });

export function toldBy(text: string): Told[] {
  return [...text.matchAll(MARK)].map(([, mark = '', openId = '']) => ({ openId, mark }));
}
