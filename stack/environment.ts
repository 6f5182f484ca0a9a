import { settingsByFile } from '../config.ts';

/**
 * The environment of the stack, including settings from files (`NAME_FILE`). `config.ts` reads and checks the product's
 * settings; the scripts only check which ones they must fill in, and pass everything on to their child processes.
 */
export const environment: NodeJS.ProcessEnv = settingsByFile().env;
