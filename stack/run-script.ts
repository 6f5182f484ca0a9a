/** Somebody has ended the script, as by Ctrl-C. */
export class Interrupted extends Error {}

/** Runs a script to its end. Prints problems in plain words, without a stack trace. */
export async function runScript(interruptedCode: number, main: () => Promise<void>): Promise<never> {
  try {
    await main();
    process.exit(0);
  } catch (error) {
    if (error instanceof Interrupted) process.exit(interruptedCode);
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
