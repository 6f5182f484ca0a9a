import type { Attempt } from '../db/attempts.ts';
import type { Db } from '../db/client.ts';
import { mediaByIds } from '../db/media.ts';
import type { StoredKey } from '../db/tokens.ts';
import { type WholePost, wholePostById } from '../db/whole-posts.ts';
import { namedFiles, possiblyVisibleWrites } from '../plan.ts';
import type { Provider } from '../providers/provider.ts';
import type { MediaFacts, PostContext, PostPublishing } from '../providers/publishing.ts';
import type { Deps } from './deps.ts';

/** A file in our media store. */
export type StoredFile = MediaFacts & { storageKey: string };

/** A post and everything that belongs to it, as one activity read it at its start. */
export interface LoadedPost extends WholePost {
  provider: Provider;
  /**
   * How the provider publishes its request. The request is parsed on first use: a post whose request is no longer
   * readable can still be cancelled, settled and deleted.
   */
  readonly publishing: PostPublishing;
  /** The ids that its accepted writes brought, by step. */
  made: Readonly<Record<string, string>>;
  /** The provider's references of the parts of sent files, by the write that opened the upload. */
  parts: PostContext['parts'];
  /** The files named in its plan, by id. */
  files: Readonly<Record<string, StoredFile>>;
}

/** @throws Error if the installation no longer has credentials for the post's provider */
export async function loadPost(
  { db, providers }: Pick<Deps, 'db' | 'providers'>,
  postId: string,
): Promise<LoadedPost> {
  const whole = await wholePostById(db, postId);
  const { post, account, attempts } = whole;
  const provider = providers.find(post.provider, account.method);
  if (provider === null) throw new Error(`no credentials are set for ${post.provider}`);
  let publishing: PostPublishing | null = null;
  return {
    ...whole,
    provider,
    get publishing() {
      return (publishing ??= provider.publishing.of(post.request));
    },
    made: madeBy(attempts),
    parts: partsOf(attempts),
    files: await filesOf(db, post),
  };
}

/** The ids that accepted writes brought, by step. */
function madeBy(attempts: readonly Attempt[]): Record<string, string> {
  return Object.fromEntries(
    attempts.flatMap(({ step, status, providerRef }) =>
      status === 'accepted' && providerRef !== null ? [[step, providerRef]] : [],
    ),
  );
}

/** The parts of accepted writes, in the order of their positions in the files. */
function partsOf(attempts: readonly Attempt[]): Record<string, string[]> {
  return Object.fromEntries(
    attempts.flatMap(({ step, status, partRefs }) =>
      status === 'accepted' && partRefs !== null ? [[step, inOrder(partRefs)]] : [],
    ),
  );
}

function inOrder(partRefs: Readonly<Record<string, string>>): string[] {
  return Object.entries(partRefs)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, reference]) => reference);
}

async function filesOf(db: Db, { userId, plan }: WholePost['post']): Promise<Record<string, StoredFile>> {
  const ids = namedFiles(plan);
  if (ids.length === 0) return {};
  return Object.fromEntries((await mediaByIds(db, userId, ids)).map((media) => [media.id, media]));
}

/** The newest attempt of a step; null: it was never tried. */
export function lastAttempt({ attempts }: Pick<LoadedPost, 'attempts'>, step: string): Attempt | null {
  return attempts.find((attempt) => attempt.step === step) ?? null;
}

/** Whether any part of the post may be visible. */
export function mayBeSeen({ post, attempts }: Pick<LoadedPost, 'post' | 'attempts'>): boolean {
  const visible = possiblyVisibleWrites(post.plan);
  return attempts.some(({ step, status }) => SENT.has(status) && visible.includes(step));
}

const SENT: ReadonlySet<Attempt['status']> = new Set(['sent', 'accepted', 'unknown']);

/** The key of the account's secrets. @throws Error if they were wiped */
export function keyOf({ key }: Pick<LoadedPost, 'key'>): StoredKey {
  if (key === null) throw new Error('the account has no data key');
  return key;
}
