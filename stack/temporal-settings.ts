import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from './environment.ts';

/**
 * The settings of a Temporal server on this machine. An API key or a profile that is meant for another cluster would make the
 * client speak TLS to it.
 * @param dir gets an empty profile
 */
export function temporalSettings(
  dir: string,
  address: string,
  namespace: string,
): Record<string, string | undefined> {
  const emptyProfile = join(dir, 'temporal.toml');
  writeFileSync(emptyProfile, '[profile.default]\n'); // @temporalio/envconfig 1.24 fails on a file without a profile
  return {
    ...withoutTemporal(),
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_CONFIG_FILE: emptyProfile,
  };
}

/** Every TEMPORAL_ variable that we were started with, unset. */
export function withoutTemporal(): Record<string, undefined> {
  const names = Object.keys(environment).filter((name) => name.startsWith('TEMPORAL_'));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}
