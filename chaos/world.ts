import { createApiClient } from './client.ts';
import { servePulls, uploadFiles } from './files.ts';
import { startStack } from './processes.ts';

export type World = Awaited<ReturnType<typeof createWorld>>;

/** Everything that rounds share: the processes, one tenant, its files, and the server that the sandbox pulls from. */
export async function createWorld(say: (line: string) => void = () => {}) {
  const stack = await startStack(say);
  try {
    const api = await createApiClient(stack);
    await api.control('POST', '/webhooks', { retryBaseMs: 300, retryCapMs: 2_000 });
    const pulls = await servePulls();
    const files = await uploadFiles(api);
    return {
      stack,
      api,
      say,
      files,
      pulls,
      /** How many rounds were run. */
      rounds: 0,
      /** Every secret that was used so far. */
      secrets: new Set<string>(),
      close: async (): Promise<void> => {
        await pulls.close();
        await stack.stop();
      },
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
