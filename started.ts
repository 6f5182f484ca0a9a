import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Config } from './config.ts';
import { parseDatabaseUrl } from './db/url.ts';
import type { Providers } from './providers/index.ts';

const Package = Type.Object({ version: Type.String() });

/** The log fields of a start: the version of Everpost and its configuration. Never a secret. */
export function startedWith(config: Config, providers: Providers): Record<string, unknown> {
  const database = parseDatabaseUrl(config.databaseUrl);
  const file = new URL('./package.json', import.meta.url);
  const { version } = Value.Parse(Package, JSON.parse(readFileSync(file, 'utf8')));
  return {
    version,
    node: process.version,
    providers: providers.all.map(({ title, method }) =>
      method === undefined ? title : `${title} (${method})`,
    ),
    publicUrl: config.publicUrl,
    database: `${database.host}:${database.port}`,
    media: new URL(config.mediaUrl).protocol.slice(0, -1),
    allowPrivateUrls: config.allowPrivateUrls,
    logLevel: config.logLevel,
  };
}
