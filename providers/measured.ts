import { performance } from 'node:perf_hooks';
import { providerCalls } from '../metrics/counters.ts';
import { ProviderError } from './errors.ts';

/**
 * Measures a call: how long it took and its outcome, `ok` or the kind of its {@link ProviderError}.
 * @param call uploads are counted separately, because their time depends on the file
 */
export async function measured<T>(
  provider: string,
  call: 'api' | 'oauth' | 'upload',
  work: () => Promise<T>,
): Promise<T> {
  const since = performance.now();
  let outcome = 'ok';
  try {
    return await work();
  } catch (error) {
    outcome = error instanceof ProviderError ? error.kind : 'failed';
    throw error;
  } finally {
    providerCalls.observe({ provider, call, outcome }, (performance.now() - since) / 1000);
  }
}
