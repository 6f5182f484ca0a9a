import { parseArgs } from 'node:util';
import { startSandbox } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'state-dir': { type: 'string' },
    'client-key': { type: 'string' },
    'client-secret': { type: 'string' },
    'redirect-uri': { type: 'string', multiple: true, default: [] },
    'webhook-url': { type: 'string' },
    options: { type: 'string', default: '{}' },
  },
});

function required(name: 'client-key' | 'client-secret'): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is required`);
  return value;
}

const sandbox = await startSandbox({
  port: Number(values.port),
  ...(values['state-dir'] === undefined ? {} : { stateDir: values['state-dir'] }),
  tiktok: {
    clientKey: required('client-key'),
    clientSecret: required('client-secret'),
    redirectUris: values['redirect-uri'].flatMap((list) => list.split(',')),
    ...(values['webhook-url'] === undefined ? {} : { webhookUrl: values['webhook-url'] }),
    options: JSON.parse(values.options),
  },
});
console.log(JSON.stringify({ ready: true, url: sandbox.url }));

async function stop(): Promise<void> {
  await sandbox.close();
  process.exit(0);
}
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
