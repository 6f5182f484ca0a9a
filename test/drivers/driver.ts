import type { ProviderName } from '../../providers/provider.ts';
import type { Chaos } from './chaos.ts';
import type { App, Creator, Made, Person, Sandbox, Told } from './sandbox.ts';
import type { Way } from './way.ts';

/**
 * How the sandbox of a platform is driven: one file for each platform, used by the conformance suite, chaos, bench, `npm run
 * dev` and `npm run demo`. Nothing else of these names a platform, but for bench, which measures one.
 */
export interface Driver {
  provider: ProviderName;
  title: string;
  publishPath: string;

  /** Settings of an app. Who has set one of these has an app of their own, and gets no sandbox. */
  credentials: readonly string[];
  /** The settings that the stack gives when the sandbox plays the platform. */
  settings: RegExp;
  settingsFor: (app: App, sandboxUrl: string) => Record<string, string>;
  /** Flags of the sandbox. @param options of the fake platform (sandbox/README.md) */
  sandboxFlags: (app: App, options?: object) => string[];
  /** Options of the sandbox that put the limits of an account out of the way. */
  withoutLimits: object;

  /** Adds somebody whose account can be connected. @param postsPerDay more than the platform allows, where it counts by account */
  addCreator: (sandbox: Sandbox, creator: Creator, postsPerDay?: number) => Promise<unknown>;
  /** A post of a video that was uploaded to Everpost. */
  videoPost: (accountId: string, mediaId: string, text: string) => object;
  /** Everything that the sandbox has. */
  made: (sandbox: Sandbox) => Promise<Made[]>;
  /** The person removes the app, and the platform says so. */
  removeApp: (sandbox: Sandbox, person: Person) => Promise<unknown>;
  /** Has the platform send events that change nothing. @param method the way in which the accounts were connected */
  tell: (sandbox: Sandbox, told: readonly Told[], method: string | null) => Promise<unknown>;
  /** The platform puts several changes into one request. */
  batches: boolean;

  /** The ways to connect an account, the usual one first: the conformance suite runs its cases for each. */
  ways: readonly Way[];
  chaos: Chaos;
}
