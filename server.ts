import process from 'node:process';
import { Client, Connection } from '@temporalio/client';
import closeWithGrace from 'close-with-grace';
import { buildApp } from './api/app.ts';
import { namespacePermit, namespaceProblem } from './api/namespace.ts';
import { type Config, readConfig } from './config.ts';
import { createEnvelope } from './crypto/envelope.ts';
import { localKeyProvider } from './crypto/keys.ts';
import { createMediaLinks } from './crypto/media-links.ts';
import { openDatabase } from './db/client.ts';
import { openMediaStore } from './media/open.ts';
import { createProviders } from './providers/index.ts';
import { sendThrough } from './providers/proxies.ts';
import { startedWith } from './started.ts';
import { StartError, tellFailure } from './startup.ts';
import { watchEventLoop } from './watchdog.ts';
import { onlyWith } from './temporal/namespace.ts';

/* The API process: builds its parts, runs, closes them in order. */

const config = settings();
sendThrough(config.proxies);
const database = openDatabase(config.databaseUrl);
const { connectionOptions, namespace } = config.temporal;
// Connects on the first call, so that the API answers while Temporal is down.
const connection = Connection.lazy(connectionOptions);
const keys = localKeyProvider(config.keyring);
const envelope = createEnvelope({ keys });
const asking = new Client({ connection, namespace });
const temporal = new Client({
  connection,
  namespace,
  interceptors: { workflow: [onlyWith(namespacePermit(asking, database.db))] },
});
const providers = createProviders(config.providers);
const app = await buildApp({
  config,
  database,
  temporal,
  envelope,
  keys,
  media: openMediaStore(config.mediaUrl),
  mediaLinks: createMediaLinks(config.publicUrl, config.keyring),
  providers,
});

for (const warning of config.warnings) app.log.warn(warning);

watchEventLoop();
closeWithGrace({ delay: 15_000, logger: app.log }, async ({ err }) => {
  if (err !== undefined) app.log.fatal({ err }, 'ends after an uncaught error');
  await app.close();
  await database.close();
  envelope.close();
  // Last: a call that is still retrying would find its channel closed and throw where nothing can catch it.
  await connection.close();
});

await app
  .listen({ port: config.port, host: config.host })
  .catch((error: unknown) =>
    endStart(new StartError(`The API cannot listen on HOST and PORT: ${String(error)}`)),
  );
app.log.info({ ...startedWith(config, providers), namespace }, 'server started');
// /readyz reports problems that are temporary.
const problem = await namespaceProblem(asking, database.db).catch(() => null);
if (problem !== null) app.log.error(problem.message);

function settings(): Config {
  try {
    return readConfig('server');
  } catch (error) {
    return endStart(error);
  }
}

function endStart(error: unknown): never {
  tellFailure(error);
  process.exit();
}
