import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { SAMPLE } from '../checkout.ts';
import { ApiError, type Api } from '../client.ts';
import { connectSandboxAccount } from '../connect.ts';
import { keep, readKept } from './folder.ts';
import type { Driver } from '../../test/drivers/driver.ts';
import { during } from '../say.ts';
import { Media, uploadMedia } from '../upload.ts';

const FILE = 'sample.json';
const Sample = Type.Object({
  /** The account of each provider, by its name. */
  accounts: Type.Record(Type.String(), Type.String()),
  mediaId: Type.String(),
});
export type Sample = Static<typeof Sample>;

/**
 * A connected sandbox account of each provider and an uploaded video, so that there is something to publish at once.
 */
export async function keptSample(
  api: Api,
  key: string,
  sandboxUrl: string,
  drivers: readonly Driver[],
): Promise<Sample> {
  const text = readKept(FILE);
  const known: unknown = text === null ? null : JSON.parse(text);
  if (Value.Check(Sample, known) && (await stillGood(api, known, drivers))) return known;
  const accounts: Record<string, string> = {};
  for (const driver of drivers) {
    const connecting = connectSandboxAccount(api, sandboxUrl, driver);
    accounts[driver.provider] = await during(`Connecting the sandbox's ${driver.title} account`, connecting);
  }
  const mediaId = await during('Uploading the sample video', uploadMedia(api, key, SAMPLE));
  keep(FILE, JSON.stringify({ accounts, mediaId }));
  return { accounts, mediaId };
}

/** Media expire, accounts can be disconnected, and the sandbox may replace more providers than last time. */
async function stillGood(
  api: Api,
  { accounts, mediaId }: Sample,
  drivers: readonly Driver[],
): Promise<boolean> {
  try {
    for (const { provider } of drivers) {
      const id = accounts[provider];
      if (id === undefined) return false;
      const account = await api.get(`/api/accounts/${id}`, Type.Object({ status: Type.String() }));
      if (account.status !== 'active') return false;
    }
    return (await api.get(`/api/media/${mediaId}`, Media)).state === 'ready';
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}
