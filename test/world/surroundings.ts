import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { inject } from 'vitest';
import { openDatabase, type Database } from '../../db/client.ts';
import type { ProviderName } from '../../providers/provider.ts';
import { FLAGS, sandboxOptions } from '../../sandbox/flags.ts';
import { startSandbox } from '../../sandbox/server.ts';
import { sandboxAt, sandboxFlags } from '../../stack/sandbox.ts';
import { appOf, inventSecrets, type Secrets } from '../../stack/settings.ts';
import { DRIVERS } from '../drivers/index.ts';
import { loginApp } from '../drivers/instagram.ts';
import type { App } from '../drivers/sandbox.ts';
import { cloneDatabase } from './database.ts';
import type { WorldOptions } from './options.ts';

/* What surrounds the processes of the product: secrets, database, Temporal namespace, sandbox. */

/** The secrets of a stack, and the same by the names that tests use. @param url of the API */
export function worldSecrets(url: string, { clientSecret }: WorldOptions) {
  const invented = inventSecrets();
  const own: [ProviderName, string][] = clientSecret === undefined ? [] : [['tiktok', clientSecret]];
  const ofStack: Secrets = { ...invented, apps: new Map([...invented.apps, ...own]) };
  const appAt = (provider: ProviderName): App => appOf(ofStack, { apiUrl: url }, provider);
  const app = appAt('tiktok');
  const secrets = {
    clientSecret: app.clientSecret,
    adminKey: ofStack.adminKey,
    kek: ofStack.keyring.slice('k1:'.length),
    instagramSecret: appAt('instagram').clientSecret,
    instagramLoginSecret: loginApp(appAt('instagram')).secret,
    threadsSecret: appAt('threads').clientSecret,
    verifyToken: ofStack.verifyToken,
  };
  return { ofStack, app, secrets };
}

/** A sandbox that plays every platform, and a double if the options have one. */
export async function openSandbox(dir: string, url: string, ofStack: Secrets, options: WorldOptions) {
  const flags = sandboxFlags(
    DRIVERS,
    ofStack,
    { apiUrl: url },
    {
      options: { tiktok: { processingMs: 200, moderationMs: 200, ...options.tiktok } },
      ...(options.sandboxState === true ? { stateDir: join(dir, 'sandbox') } : {}),
    },
  );
  const double = options.double?.(url);
  const sandbox = await startSandbox({
    ...sandboxOptions(parseArgs({ args: flags, options: FLAGS }).values),
    ...(double === undefined ? {} : { more: (core) => [double.fake(core)] }),
  });
  return {
    sandbox,
    control: sandboxAt(sandbox.url).control,
    settingsOfDouble: double?.settingsFor(sandbox.url) ?? {},
    tablesOfDouble: double?.tables ?? null,
  };
}

/** A namespace of Temporal, by its name. */
export async function openNamespace(name: string) {
  const address = inject('temporalAddress');
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace: name,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  return { address, connection, temporal: new Client({ connection, namespace: name }) };
}

/** A database of its own. @param given one that exists already */
export async function openOwnDatabase(
  name: string,
  given?: string,
): Promise<{ databaseUrl: string; database: Database }> {
  const databaseUrl = given ?? (await cloneDatabase(name));
  return { databaseUrl, database: openDatabase(databaseUrl, 3) };
}
