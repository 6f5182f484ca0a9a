import { parseArgs } from 'node:util';
import { FLAGS, sandboxOptions } from './flags.ts';
import { startSandbox } from './server.ts';

const { values } = parseArgs({ options: FLAGS });
const sandbox = await startSandbox(sandboxOptions(values));
console.log(JSON.stringify({ ready: true, url: sandbox.url }));

async function stop(): Promise<void> {
  await sandbox.close();
  process.exit(0);
}
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
