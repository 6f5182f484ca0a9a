import { settingsByFile } from '../config.ts';

/**
 * What the stack was started with, settings that files hold (`NAME_FILE`) included. `config.ts` reads and checks what the
 * product needs; the scripts only look at what they have to fill in before, and hand everything on to the processes that they
 * start.
 */
export const environment: NodeJS.ProcessEnv = settingsByFile().env;
