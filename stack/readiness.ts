import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 120_000;

/** `/readyz` is green once the database answers and a worker polls. */
export function untilApiReady(apiUrl: string, signal: AbortSignal): Promise<void> {
  return untilAnswered(`${apiUrl}/readyz`, 'The server is not ready', signal);
}

/** `/livez` is green as soon as the server answers. */
export function untilAlive(apiUrl: string, signal: AbortSignal): Promise<void> {
  return untilAnswered(`${apiUrl}/livez`, 'The server does not answer', signal);
}

export function untilSandboxReady(url: string, signal: AbortSignal): Promise<void> {
  return untilAnswered(`${url}/_sandbox/`, 'The sandbox is not ready', signal);
}

async function untilAnswered(url: string, complaint: string, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  let last = 'no answer yet';
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    try {
      const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
      const body = await response.text();
      if (response.ok) return;
      last = `${response.status} ${body.slice(0, 500)}`;
    } catch (error) {
      last = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    }
    await sleep(50);
  }
  throw new Error(`${complaint} after ${PATIENCE_MS / 1_000} s. ${url} answers: ${last}`);
}
