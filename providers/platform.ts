import type { About } from './about.ts';
import type { AppSettings } from './app-settings.ts';
import type { Provider } from './provider.ts';
import type { Requests } from './requests.ts';

/** A platform, whether the operator has an app there or not: what index.ts of its folder exports. */
export interface Platform<Settings> {
  readonly about: About;
  readonly settings: AppSettings<Settings>;
  readonly requests: Requests;
  /** By the settings of the operator's app: one for each way to connect accounts, the usual one first. */
  create(settings: Settings): readonly Provider[];
}
