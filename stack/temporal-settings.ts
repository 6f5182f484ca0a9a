import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder } from './kept/folder.ts';
import { withoutTemporal } from './without-temporal.ts';

/** An API key or a profile that is meant for another cluster would make the client speak TLS to ours. */
export function embeddedTemporalSettings(
  address: string,
  namespace: string,
): Record<string, string | undefined> {
  const emptyProfile = join(folder, 'temporal.toml');
  writeFileSync(emptyProfile, '[profile.default]\n'); // @temporalio/envconfig 1.24 fails on a file without a profile
  return {
    ...withoutTemporal(),
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_CONFIG_FILE: emptyProfile,
  };
}
