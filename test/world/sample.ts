import { readFileSync } from 'node:fs';
import { SAMPLE } from '../../stack/checkout.ts';

/** A small real video. */
export function sampleVideo(): Buffer {
  return readFileSync(SAMPLE);
}
