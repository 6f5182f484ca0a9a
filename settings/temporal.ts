import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { normalizeGrpcEndpointAddress } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import type { Environment } from './setting.ts';

/** Temporal's address and how to connect to it. */
export interface TemporalSettings {
  connectionOptions: ClientConnectConfig['connectionOptions'];
  namespace: string;
}

/** Settings that a file may hold as well. */
export const TEMPORAL_SECRETS = ['TEMPORAL_API_KEY', 'TEMPORAL_TLS_CLIENT_KEY_DATA'] as const;

/** Names that @temporalio/envconfig reads, besides `TEMPORAL_GRPC_META_<NAME>`. */
export const TEMPORAL_NAMES = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS',
  'TEMPORAL_TLS_SERVER_NAME',
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  'TEMPORAL_TLS_SERVER_CA_CERT_DATA',
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_CERT_DATA',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'TEMPORAL_TLS_CLIENT_KEY_DATA',
  'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION',
  'TEMPORAL_CODEC_ENDPOINT',
  'TEMPORAL_CODEC_AUTH',
  'TEMPORAL_CONFIG_FILE',
  'TEMPORAL_PROFILE',
] as const;

type Name = (typeof TEMPORAL_NAMES)[number];
type Problem = (text: string) => void;

/**
 * Reads Temporal's settings through @temporalio/envconfig, and checks them first: envconfig takes a mistyped boolean
 * for false, and only the first connection would reject an invalid certificate.
 * @returns null if there is a problem
 */
export function readTemporal(env: Environment, problem: Problem): TemporalSettings | null {
  let good = true;
  const wrong: Problem = (text) => {
    good = false;
    problem(text);
  };
  // An empty setting counts as unset, as everywhere; but an empty file name means that no file is to be read.
  const given = Object.fromEntries(
    Object.entries(env).flatMap(([name, value = '']) =>
      value.trim() === '' && name !== 'TEMPORAL_CONFIG_FILE' ? [] : [[name, value.trim()]],
    ),
  );
  checkBoolean(given, 'TEMPORAL_TLS', wrong);
  checkBoolean(given, 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', wrong);
  if ((given['TEMPORAL_CONFIG_FILE'] ?? '') !== '') readText(given, 'TEMPORAL_CONFIG_FILE', wrong);
  checkPem(given, 'TEMPORAL_TLS_SERVER_CA_CERT', (pem) => new X509Certificate(pem), wrong);
  const certificate = checkPem(given, 'TEMPORAL_TLS_CLIENT_CERT', (pem) => new X509Certificate(pem), wrong);
  const key = checkPem(given, 'TEMPORAL_TLS_CLIENT_KEY', (pem) => createPrivateKey(pem), wrong);
  if (certificate !== key)
    wrong('TEMPORAL_TLS_CLIENT_CERT_* and TEMPORAL_TLS_CLIENT_KEY_* belong together: set both or none');
  if (!good) return null;
  const read = load(given, wrong);
  if (read === null) return null;
  const { connectionOptions, namespace = 'default' } = read;
  if (connectionOptions.address !== undefined && !isAddress(connectionOptions.address))
    wrong('TEMPORAL_ADDRESS must be host:port, without a scheme');
  return good ? { connectionOptions, namespace } : null;
}

function load(given: Record<string, string>, wrong: Problem): ClientConnectConfig | null {
  try {
    return loadClientConnectConfig({ overrideEnvVars: given });
  } catch {
    // Its message may quote the file, which may hold an API key.
    wrong(
      'TEMPORAL_CONFIG_FILE (without it, the file of the temporal CLI) must be TOML with the profile that TEMPORAL_PROFILE names, or [profile.default]',
    );
    return null;
  }
}

function checkBoolean(given: Environment, name: Name, wrong: Problem): void {
  if (!['true', 'false', '1', '0'].includes(given[name] ?? 'false')) wrong(`${name} must be true or false`);
}

/** @returns whether it is set */
function checkPem(
  given: Environment,
  name: 'TEMPORAL_TLS_SERVER_CA_CERT' | 'TEMPORAL_TLS_CLIENT_CERT' | 'TEMPORAL_TLS_CLIENT_KEY',
  parse: (pem: string) => unknown,
  wrong: Problem,
): boolean {
  const [path, data] = [`${name}_PATH`, `${name}_DATA`] as const;
  const isByPath = given[path] !== undefined;
  if (isByPath && given[data] !== undefined) wrong(`${path} and ${data} are both set: keep one of them`);
  const pem = isByPath ? readText(given, path, wrong) : given[data];
  if (pem === null || pem === undefined) return isByPath;
  try {
    parse(pem);
  } catch {
    const what = name.endsWith('KEY') ? 'an unencrypted private key' : 'a certificate';
    wrong(`${isByPath ? path : data} must be ${what} in PEM`);
  }
  return true;
}

function readText(given: Environment, name: Name, wrong: Problem): string | null {
  try {
    return readFileSync(given[name] ?? '', 'utf8');
  } catch {
    wrong(`${name} names a file that does not exist or cannot be read`);
    return null;
  }
}

function isAddress(address: string): boolean {
  try {
    const port = Number(/:(\d+)$/.exec(normalizeGrpcEndpointAddress(address, 7233))?.[1]);
    return !/[\s/@]/.test(address) && port >= 1 && port <= 65_535;
  } catch {
    return false;
  }
}
