import { addTables } from '../../db/registry.ts';
import { addPlatform } from '../../providers/index.ts';
import { mosaic } from './mosaic/index.ts';
import { mosaicTables } from './mosaic/tables.ts';

/* Imported first (node --import): puts one more platform into the registry of this process. */
addPlatform('mosaic', mosaic);
addTables('mosaic', mosaicTables);
