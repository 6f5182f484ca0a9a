import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of Everpost. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A small real video. */
export const SAMPLE = join(ROOT, 'scripts/demo-media/sample.mp4');
