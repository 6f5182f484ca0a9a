import { join } from 'node:path';
import process from 'node:process';
import type { ProviderName } from '../providers/provider.ts';
import { createControl } from '../sandbox/testing/client.ts';
import type { Driver } from '../test/drivers/driver.ts';
import type { Sandbox } from '../test/drivers/sandbox.ts';
import { ROOT } from './checkout.ts';
import { type Addresses, appOf, type Secrets } from './settings.ts';

export interface SandboxOptions {
  /** Absent: state is kept in memory. */
  stateDir?: string;
  /** Options of the fake platforms (sandbox/README.md). */
  options?: Readonly<Partial<Record<ProviderName, object>>>;
}

/** The flags of a sandbox that imitates these platforms, each with our app. */
export function sandboxFlags(
  drivers: readonly Driver[],
  secrets: Secrets,
  addresses: Addresses,
  { stateDir, options = {} }: SandboxOptions,
): string[] {
  return [
    ...(stateDir === undefined ? [] : [`--state-dir=${stateDir}`]),
    ...drivers.flatMap((driver) =>
      driver.sandboxFlags(appOf(secrets, addresses, driver.provider), options[driver.provider]),
    ),
  ];
}

export function sandboxCommand(port: number, flags: readonly string[]): string[] {
  return [
    process.execPath,
    '--max-semi-space-size=2',
    join(ROOT, 'sandbox/main.ts'),
    `--port=${port}`,
    ...flags,
  ];
}

/** The control API of a sandbox. */
export function sandboxAt(url: string): Sandbox {
  return { control: createControl(url) };
}
