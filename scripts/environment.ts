import process from 'node:process';

/**
 * What the stack was started with. `config.ts` reads and checks what the product needs; the scripts only look at what
 * they have to fill in before, and hand everything on to the processes that they start.
 */
// oxlint-disable-next-line node/no-process-env
export const environment: NodeJS.ProcessEnv = process.env;
