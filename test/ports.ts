import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '../stack/ports.ts';

/** A free port that no other test of this run is given, so that the server for it may be started later, or never. */
export async function ownPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = await freePort();
    // Nothing is made where another test has made it before.
    const made = await mkdir(join(inject('runDir'), 'ports', String(port)), { recursive: true });
    if (made !== undefined) return port;
  }
  throw new Error('other tests have all ports that were tried');
}
