import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { paddedSample } from '../stack/pad-mp4.ts';
import type { ApiClient } from './client.ts';
import type { FileName, VideoName } from '../test/drivers/chaos.ts';
import { jpeg } from '../sandbox/testing/media.ts';

const SIZES: Readonly<Record<VideoName, number>> = {
  tiny: 0,
  small: 500_000,
  medium: 6_000_000,
  chunks: 65_000_003,
};

export interface File {
  mediaId: string;
  bytes: Buffer;
  sha256: string;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Uploads one file of each size and a picture, which many posts then share. */
export async function uploadFiles(api: ApiClient): Promise<Record<FileName, File>> {
  const uploadOne = async (name: FileName): Promise<File> => {
    const bytes = name === 'image' ? jpeg() : paddedSample(SIZES[name]);
    const mediaId = await api.upload(bytes, name === 'image' ? 'image/jpeg' : 'video/mp4');
    if (mediaId === null) throw new Error(`${name} was not taken`);
    return { mediaId, bytes, sha256: sha256(bytes) };
  };
  const [tiny, small, medium, chunks, image] = await Promise.all([
    uploadOne('tiny'),
    uploadOne('small'),
    uploadOne('medium'),
    uploadOne('chunks'),
    uploadOne('image'),
  ]);
  return { tiny, small, medium, chunks, image };
}

/** The file at a URL's path. Each has its own bytes, so that none can be mistaken for another. */
function fileAt(path: string): Buffer {
  if (path.endsWith('.jpg')) return Buffer.concat([jpeg(), Buffer.from(path)]);
  const name = Buffer.from(path);
  const box = Buffer.alloc(8 + name.length);
  box.writeUInt32BE(box.length, 0);
  box.write('free', 4, 'latin1');
  name.copy(box, 8);
  return Buffer.concat([paddedSample(SIZES.tiny), box]);
}

/** SHA-256 of the file at a URL of `servePulls`. */
export const sha256At = (url: string): string => sha256(fileAt(new URL(url).pathname));

/** Serves files for the sandbox to fetch; `/missing/...` does not exist. */
export async function servePulls(): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(({ url = '/' }, response) => {
    if (url.startsWith('/missing/')) response.writeHead(404).end();
    else
      response
        .writeHead(200, { 'content-type': url.endsWith('.jpg') ? 'image/jpeg' : 'video/mp4' })
        .end(fileAt(url));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
