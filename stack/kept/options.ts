import { join } from 'node:path';
import { misspeltSettings } from '../../config.ts';
import type { Driver } from '../../test/drivers/driver.ts';
import { DRIVERS } from '../../test/drivers/index.ts';
import { environment } from '../environment.ts';
import { during, say } from '../say.ts';
import { appSecrets, type Secrets } from '../settings.ts';
import type { StartOptions } from '../start.ts';
import { folder, kept, randomKey, randomKeyring } from './folder.ts';
import { choosePorts, type Ports } from './ports.ts';
import { endStaleChildren } from './stale-children.ts';

/** How `npm run dev` and `npm run demo` start: with the environment, and with what earlier starts have kept. */
export async function keptOptions(sandboxAlways: boolean): Promise<Omit<StartOptions, 'keeper' | 'signal'>> {
  for (const warning of misspeltSettings()) say(`Warning: ${warning}`);
  await endStaleChildren(say);
  const ports = await choosePorts();
  const host = environment['HOST'] || '127.0.0.1';
  const apiUrl = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${ports.api}`;
  const sandboxed = DRIVERS.filter((driver) => sandboxAlways || !hasCredentials(driver));
  return {
    dir: folder,
    secrets: keptSecrets(),
    apiUrl,
    publicUrl: (environment['EVERPOST_PUBLIC_URL'] || apiUrl).replace(/\/+$/, ''),
    database: database(ports),
    temporal: temporal(ports),
    sandboxed,
    sandbox: { port: ports.sandbox, stateDir: join(folder, 'sandbox') },
    servers: [ports.api],
    workers: 1,
    base: { ...environment, HOST: host, EVERPOST_SYNC: syncOf(sandboxed) },
    say,
    during,
  };
}

/** With an app of the user's own, a platform is not sandboxed unless the caller asks for it. */
export function hasCredentials({ credentials }: Driver): boolean {
  return credentials.some((name) => (environment[name] ?? '') !== '');
}

/** The sandbox's apps have every scope; an app of the user's own may lack some, and no consent would succeed. */
function syncOf(sandboxed: readonly Driver[]): string | undefined {
  return environment['EVERPOST_SYNC'] || (sandboxed.length === DRIVERS.length ? 'on' : undefined);
}

function keptSecrets(): Secrets {
  return {
    keyring: environment['EVERPOST_KEYRING'] || kept('keyring', randomKeyring),
    adminKey: environment['EVERPOST_ADMIN_KEY'] || kept('admin-key', randomKey),
    // The platforms share this token: an app of the user's own keeps its token when another platform is sandboxed.
    verifyToken: environment['META_VERIFY_TOKEN'] || kept('meta-verify-token', randomKey),
    apps: appSecrets((name) => kept(`sandbox-${name}-secret`, randomKey)),
  };
}

function database({ postgres }: Ports): StartOptions['database'] {
  const given = environment['DATABASE_URL'] ?? '';
  if (given === '') return { port: postgres };
  say('PostgreSQL: DATABASE_URL is set, using that');
  return { url: given };
}

function temporal({ temporal: port, temporalUi }: Ports): StartOptions['temporal'] {
  const given = environment['TEMPORAL_ADDRESS'] ?? '';
  if (given === '') return { port, uiPort: temporalUi };
  say(`Temporal: TEMPORAL_ADDRESS is set, using ${given}`);
  return { settings: {} };
}
