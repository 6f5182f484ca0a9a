import type { ProviderName } from '../../providers/provider.ts';
import type { Chaos } from './chaos.ts';
import type { App, Creator, Made, Person, Sandbox, Told } from './sandbox.ts';
import type { Way } from './way.ts';

/**
 * How to drive the sandbox of a platform: one file for each platform, used by the conformance suite, chaos, bench, `npm
 * run dev` and `npm run demo`. Nothing else there names a platform, except bench, which measures one.
 */
export interface Driver {
  provider: ProviderName;
  title: string;
  publishPath: string;

  /** Settings of an app. If the user has set one of these, they have their own app and get no sandbox. */
  credentials: readonly string[];
  /** The settings that the stack sets if the sandbox plays the platform. */
  settings: RegExp;
  settingsFor: (app: App, sandboxUrl: string) => Record<string, string>;
  /** Flags of the sandbox. @param options of the fake platform (sandbox/README.md) */
  sandboxFlags: (app: App, options?: object) => string[];
  /** Sandbox options that lift the limits of an account. */
  withoutLimits: object;

  /**
   * Adds a creator whose account can be connected. @param postsPerDay more than the platform allows, if it counts by
   * account
   */
  addCreator: (sandbox: Sandbox, creator: Creator, postsPerDay?: number) => Promise<unknown>;
  /** The request for a video that was uploaded to Everpost. */
  videoPost: (accountId: string, mediaId: string, text: string) => object;
  /** All publishes in the sandbox. */
  made: (sandbox: Sandbox) => Promise<Made[]>;
  /** Lets a person remove the app, which the platform reports. */
  removeApp: (sandbox: Sandbox, person: Person) => Promise<unknown>;
  /**
   * Lets the platform send events that change nothing; absent: it sends none.
   * @param method how the accounts were connected
   */
  tell?: (sandbox: Sandbox, told: readonly Told[], method: string | null) => Promise<unknown>;
  /** Whether the platform puts several changes into one request. */
  batches: boolean;

  /** The ways to connect an account, the default first: the conformance suite runs its cases for each. */
  ways: readonly Way[];
  chaos: Chaos;
}
