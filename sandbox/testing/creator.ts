import { Type, type Static } from 'typebox';
import { parse } from '../core/json.ts';
import { createControl } from './client.ts';

/** For tests, chaos and dev: the acts of a creator in a platform's own app, in the same words for each provider. */
interface NewMedia {
  /** The provider's own id of the account. */
  account: string;
  text?: string;
  createdAt?: number;
  counts?: Record<string, number>;
  /** Fields that only this provider has. */
  more?: Record<string, unknown>;
}

const Made = Type.Object({ ids: Type.Array(Type.String()) });
const Media = Type.Object({
  id: Type.String(),
  account: Type.String(),
  text: Type.String(),
  createdAt: Type.Number(),
  counts: Type.Record(Type.String(), Type.Number()),
  visible: Type.Boolean(),
  published: Type.Boolean(),
});
const Accounts = Type.Array(
  Type.Object({
    username: Type.String(),
    openId: Type.Optional(Type.String()),
    id: Type.Optional(Type.String()),
  }),
);
const Calls = Type.Object({ counts: Type.Record(Type.String(), Type.Integer()), total: Type.Integer() });

/** The control of each provider that adds an account or changes the one of that username. */
const PROFILES: Readonly<Record<string, string>> = {
  tiktok: 'creators',
  instagram: 'accounts',
  threads: 'profiles',
};

export function createCreator(url: string, provider: string) {
  const control = createControl(url);
  const act = (verb: string, body: object): Promise<unknown> =>
    control('POST', `/${provider}/media/${verb}`, body);

  return {
    /** One of media that is not ours; its id. */
    async make(media: NewMedia): Promise<string> {
      const { ids } = parse(Made, await act('make', media));
      return ids[0] ?? '';
    },
    /** Many, oldest first, `everyMs` apart, the newest at `createdAt`; their ids, oldest first. */
    async makeMany(media: NewMedia & { createdAt: number; count: number; everyMs?: number }) {
      return parse(Made, await act('make', media)).ids;
    },
    edit: (id: string, changes: { text?: string; more?: Record<string, unknown> }) =>
      act('edit', { ids: [id], ...changes }),
    setCounts: (id: string, counts: Record<string, number>) => act('edit', { ids: [id], counts }),
    remove: (...ids: string[]) => act('remove', { ids }),
    restore: (...ids: string[]) => act('restore', { ids }),
    /** Changes some fields of a profile, in the provider's own words (`followers` is one of each). */
    setProfile: (username: string, changes: Record<string, unknown>) =>
      control('POST', `/${provider}/${PROFILES[provider]}`, { username, ...changes }),
    /** The provider's own id of an account that exists there, connected or not. */
    async accountOf(username: string): Promise<string> {
      const accounts = parse(Accounts, await control('GET', `/${provider}/${PROFILES[provider]}`));
      const found = accounts.find((one) => one.username === username);
      const id = found?.openId ?? found?.id;
      if (id === undefined) throw new Error(`${provider} has no account ${username}`);
      return id;
    },
    /** The truth, to compare copies with. */
    async all(account?: string): Promise<Static<typeof Media>[]> {
      const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`;
      return parse(Type.Array(Media), await control('GET', `/${provider}/media/all${query}`));
    },
  };
}

/** Counts the calls that reach the sandbox, of all accounts or of one. */
export function createCallCounter(url: string) {
  const control = createControl(url);
  return {
    async calls(account?: string): Promise<Static<typeof Calls>> {
      const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`;
      return parse(Calls, await control('GET', `/calls${query}`));
    },
    forget: () => control('DELETE', '/calls'),
  };
}
