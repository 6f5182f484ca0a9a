import { fileURLToPath } from 'node:url';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { ApiError, type Api } from './api-client.ts';
import { connectSandboxAccount } from './connect-account.ts';
import { keep, readKept } from './folder.ts';
import { during } from './say.ts';
import { Media, uploadMedia } from './upload-media.ts';

const FILE = 'sample.json';
const Sample = Type.Object({ accountId: Type.String(), mediaId: Type.String() });
export type Sample = Static<typeof Sample>;
const SAMPLE = fileURLToPath(new URL('demo-media/sample.mp4', import.meta.url));

/** A connected sandbox account and an uploaded video, so that there is something to publish at once. */
export async function keptSample(api: Api, key: string, sandboxUrl: string): Promise<Sample> {
  const text = readKept(FILE);
  const known: unknown = text === null ? null : JSON.parse(text);
  if (Value.Check(Sample, known) && (await stillGood(api, known))) return known;
  const accountId = await during('Connecting the sandbox account', connectSandboxAccount(api, sandboxUrl));
  const mediaId = await during('Uploading the sample video', uploadMedia(api, key, SAMPLE));
  keep(FILE, JSON.stringify({ accountId, mediaId }));
  return { accountId, mediaId };
}

/** Media expire, accounts can be disconnected. */
async function stillGood(api: Api, { accountId, mediaId }: Sample): Promise<boolean> {
  try {
    const account = await api.get(`/api/accounts/${accountId}`, Type.Object({ status: Type.String() }));
    const media = await api.get(`/api/media/${mediaId}`, Media);
    return account.status === 'active' && media.state === 'ready';
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
