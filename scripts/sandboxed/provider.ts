import { Type } from 'typebox';
import type { ProviderName } from '../../providers/provider.ts';
import type { Api } from '../../stack/client.ts';

/** A provider that the sandbox stands in for. One entry each; nothing else in the stack names a provider. */
export interface SandboxedProvider {
  name: ProviderName;
  title: string;
  /** Whoever sets one of these has an app of their own, and gets no sandbox. */
  credentials: readonly string[];
  /** All its settings: with the sandbox, they are ours to give. */
  settings: RegExp;
  sandboxArguments(app: App): string[];
  settingsFor(app: App, sandboxUrl: string): Record<string, string>;
  /** Adds the creator whom its consent page shows by this name, and who has an account to post to all day. */
  addCreator(sandbox: Api, username: string): Promise<void>;
  /** Further ways to connect an account, beside the usual one. */
  methods?: readonly { name: string; title: string }[];
  publishPath: string;
  /** What `publishPath` takes for a video that was uploaded to us. */
  videoPost(accountId: string, mediaId: string, text: string): object;
  /** What the sandbox has of a post; null: nothing. */
  received(sandbox: Api, publishId: string): Promise<Received | null>;
  /** How many posts with this text are live there. */
  live(sandbox: Api, text: string): Promise<number>;
}

/** As it would be registered in the provider's developer portal. */
export interface App {
  clientKey: string;
  clientSecret: string;
  redirectUri: string;
  webhookUrl: string;
  /** What whoever asks to verify the webhook URL has to say, where a provider does. */
  verifyToken: string;
}

export interface Received {
  sha256: string | null;
  /** How many pieces it came in, where the provider is sent pieces. */
  chunks?: number;
}

/** @param field what the sandbox calls the text of a post */
export async function countLive(
  name: ProviderName,
  sandbox: Api,
  field: string,
  text: string,
): Promise<number> {
  const path = `/_sandbox/${name}/count?${new URLSearchParams({ [field]: text }).toString()}`;
  return (await sandbox.get(path, Type.Object({ live: Type.Integer() }))).live;
}
