import type { About } from './about.ts';
import type { AppSettings } from './app-settings.ts';
import type { Provider } from './provider.ts';
import type { Requests } from './requests.ts';

/** A platform, with or without an app of the operator there. The index.ts of its folder exports it. */
export interface Platform<Settings> {
  readonly about: About;
  readonly settings: AppSettings<Settings>;
  readonly requests: Requests;
  /** Makes a provider for each way to connect accounts, the default first. @param settings of the operator's app */
  create(settings: Settings): readonly Provider[];
}
