import { addPlatform } from '../../providers/index.ts';
import { mosaic } from './mosaic/index.ts';

/* Imported first (node --import): puts one more platform into the registry of this process. */
addPlatform('mosaic', mosaic);
