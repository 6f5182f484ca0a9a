import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startSandbox, type Sandbox } from '../sandbox/server.ts';
import { jpeg } from '../sandbox/testing-media.ts';
import { createInstagramClient, type InstagramClient } from '../sandbox/testing-meta.ts';
import { serveMedia, type MediaServer } from './media-server.ts';

const app = { appId: '4444', appSecret: 'meta secret', redirectUri: 'http://127.0.0.1:3999/cb' };
const Id = Type.Object({ id: Type.String() });

let sandbox: Sandbox;
let client: InstagramClient;
let media: MediaServer;
let token: string;
let igId: string;

beforeEach(async () => {
  media = await serveMedia();
  const options = { processingMs: 0 };
  sandbox = await startSandbox({ instagram: { ...app, redirectUris: [app.redirectUri], options } });
  client = createInstagramClient(sandbox.url, app);
  ({ pageToken: token, igId } = await client.connect());
});
afterEach(async () => {
  await sandbox.close();
  await media.close();
});

const post = (path: string, params: Record<string, string>) => client.call(token, 'POST', path, params);
const get = (path: string, params: Record<string, string> = {}) => client.call(token, 'GET', path, params);

async function container(params: Record<string, string>): Promise<string> {
  return (await client.ask(Id, token, 'POST', `/${igId}/media`, params)).id;
}

async function finished(id: string): Promise<void> {
  await vi.waitFor(
    async () =>
      expect((await get(`/${id}`, { fields: 'status_code' })).body).toEqual({ id, status_code: 'FINISHED' }),
    { interval: 10 },
  );
}

describe('image', () => {
  it('goes live once', async () => {
    const bytes = jpeg();
    const id = await container({ image_url: media.serve('/a.jpg', bytes), caption: 'Grüße' });
    await finished(id);
    const { id: mediaId } = await client.ask(Id, token, 'POST', `/${igId}/media_publish`, {
      creation_id: id,
    });
    expect(mediaId).not.toBe(id);
    expect((await get(`/${id}`, { fields: 'status_code' })).body).toEqual({ id, status_code: 'PUBLISHED' });
    const again = await post(`/${igId}/media_publish`, { creation_id: id });
    expect(again).toMatchObject({ status: 400, body: { error: { code: 24, error_subcode: 2_207_006 } } });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(await client.control('GET', '/instagram/publishes')).toMatchObject([
      { id, mediaId, live: true, caption: 'Grüße', sha256: [sha256], ignored: [] },
    ]);
    expect(await client.control('GET', '/instagram/count')).toMatchObject({ live: 1, publishCalls: 2 });
  });
});
