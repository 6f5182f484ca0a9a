import { type Account, accountById } from '../db/accounts.ts';
import { madeBy } from '../db/attempts.ts';
import { mediaById } from '../db/media.ts';
import { type Post, postById } from '../db/posts.ts';
import type { Provider } from '../providers/provider.ts';
import type { MediaFacts, PostPublishing } from '../providers/publishing.ts';
import type { Deps } from './deps.ts';

/** A post and all that belongs to it. */
export interface LoadedPost {
  post: Post;
  account: Account;
  provider: Provider;
  /**
   * How the provider publishes its request, which is read when somebody asks for the first time: a post whose request its
   * provider cannot read any more can still be cancelled, settled and deleted.
   */
  readonly publishing: PostPublishing;
  media: (MediaFacts & { storageKey: string }) | null;
  /** What its accepted writes have made, by step. */
  made: Readonly<Record<string, string>>;
}

/** @throws Error when something that a post is made of is gone, which the database does not allow */
export async function loadPost(
  { db, providers }: Pick<Deps, 'db' | 'providers'>,
  postId: string,
): Promise<LoadedPost> {
  const post = await postById(db, postId);
  const account = await accountById(db, post.oauthAccountId);
  if (account === null) throw new Error(`no account ${post.oauthAccountId}`);
  const provider = providers.find(post.provider, account.method);
  if (provider === null) throw new Error(`no credentials are set for ${post.provider}`);
  const media = post.mediaId === null ? null : await mediaById(db, post.mediaId);
  const made = await madeBy(db, postId);
  let publishing: PostPublishing | null = null;
  return {
    post,
    account,
    provider,
    get publishing() {
      return (publishing ??= provider.publishing.of(post.request));
    },
    media,
    made,
  };
}
