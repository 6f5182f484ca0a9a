import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { createTestClient } from '../sandbox/testing/client.ts';
import { appOf } from '../stack/settings.ts';
import type { Stack } from './stack.ts';

const Init = Type.Object({ data: Type.Object({ upload_url: Type.String(), publish_id: Type.String() }) });
const Status = Type.Object({ data: Type.Object({ status: Type.String() }) });
const POLL_MS = 20;
const MOST_POLLS = 500;

export interface BareClient {
  call: (path: string, body?: unknown) => Promise<unknown>;
  put: (uploadUrl: string) => Promise<unknown>;
  size: number;
}

/** A script that has only an access token and a file. */
export async function connectBare({ sandboxUrl, apiUrl, secrets }: Stack, file: Buffer): Promise<BareClient> {
  const client = createTestClient(sandboxUrl, appOf(secrets, { apiUrl }, 'tiktok'));
  const { accessToken } = await client.connect();
  return {
    call: async (path, body) => (await client.call(accessToken, path, body)).body,
    put: (uploadUrl) => client.put(uploadUrl, file, 0, file.length),
    size: file.length,
  };
}

/** The floor of a publish: the same calls in sequence, with nothing stored, checked or retried. */
export async function barePublish({ call, put, size }: BareClient): Promise<void> {
  await call('/v2/post/publish/creator_info/query/', {});
  const init: unknown = await call('/v2/post/publish/video/init/', {
    post_info: { title: 'bare', privacy_level: 'PUBLIC_TO_EVERYONE' },
    source_info: { source: 'FILE_UPLOAD', video_size: size, chunk_size: size, total_chunk_count: 1 },
  });
  if (!Value.Check(Init, init)) throw new Error(`no init: ${JSON.stringify(init)}`);
  await put(init.data.upload_url);
  for (let polls = 0; polls < MOST_POLLS; polls += 1) {
    const status = await call('/v2/post/publish/status/fetch/', { publish_id: init.data.publish_id });
    if (Value.Check(Status, status) && status.data.status === 'PUBLISH_COMPLETE') return;
    await sleep(POLL_MS);
  }
  throw new Error('the bare publish did not come to its end');
}
