import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { freePort } from '../stack/ports.ts';

/** A free port that no other test of this run gets, so that its server may start later, or never. */
export async function ownPort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = await freePort();
    // Creates nothing if another test has created it.
    const made = await mkdir(join(inject('runDir'), 'ports', String(port)), { recursive: true });
    if (made !== undefined) return port;
  }
  throw new Error('other tests have all ports that were tried');
}
