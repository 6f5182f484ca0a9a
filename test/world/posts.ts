import { randomUUID } from 'node:crypto';
import type { Answer, Json } from '../../stack/client.ts';
import { sendBytes } from '../../stack/upload.ts';
import type { Call } from './people.ts';
import { sampleVideo } from './sample.ts';
import { until } from './until.ts';

const FINAL = new Set(['published', 'delivered', 'failed', 'cancelled', 'unknown']);

/** Files and posts of TikTok. @param user whose key is the default */
export function createPosts(call: Call, user: { readonly key: string }) {
  /** Uploads a file. @returns the media's id, once it is ready */
  async function upload(
    bytes: Buffer = sampleVideo(),
    key = user.key,
    contentType = 'video/mp4',
  ): Promise<string> {
    const made = await call('POST', '/api/media', {
      key,
      body: { filename: 'file', contentType, size: bytes.length },
    });
    if (made.status !== 201) throw new Error(`no media: ${made.text}`);
    await sendBytes(made.body.uploadUrl, key, bytes, bytes.length);
    const media = await until('media to be examined', async () => {
      const { body } = await call('GET', `/api/media/${made.body.id}`, { key });
      return body.state === 'uploading' ? null : body;
    });
    if (media.state !== 'ready') throw new Error(`media is ${JSON.stringify(media)}`);
    return made.body.id;
  }

  /** Publishes a video as a direct, public post by default. */
  async function publish(
    changes: Record<string, unknown>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const body = {
      source: 'FILE_UPLOAD',
      mode: 'direct',
      ...(changes['mode'] === 'inbox'
        ? {}
        : { postInfo: { title: `post ${randomUUID()}`, privacy_level: 'PUBLIC_TO_EVERYONE' } }),
      ...changes,
    };
    return call('POST', '/api/tiktok/upload', { body, headers });
  }

  const getPost = async (id: string): Promise<Json> => (await call('GET', `/api/posts/${id}`)).body;

  /** Waits until a post is in one of these states. */
  async function untilPost(id: string, ...states: string[]): Promise<Json> {
    return until(`post ${id} to be ${states.join(' or ')}`, async () => {
      const post = await getPost(id);
      if (states.includes(post.state)) return post;
      if (FINAL.has(post.state)) throw new Error(`the post ended as ${post.state}: ${JSON.stringify(post)}`);
      return null;
    });
  }

  return { upload, publish, getPost, untilPost };
}
