import type { SQL } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import type { Post } from './posts.ts';
import type { PostError } from './schema.ts';

/** The login through which an account was connected; several accounts may share one. */
export interface AccountLogin {
  /** The provider's id of the person who logged in. */
  id: string;
  /** The page through which the account is reached; null: directly. */
  page: {
    id: string;
    /** The page's token, encrypted for this column. */
    sealToken: (place: { table: string; column: string }) => Promise<Uint8Array>;
  } | null;
}

/** A comment on a post of an account. */
export interface Comment {
  mediaId: string;
  commentId: string;
  fromUser: string | null;
  text: string | null;
}

/**
 * The tables of a single provider (db/<name>.ts). Each hook runs in the transaction of the change that it is named
 * after; without a hook the provider records nothing about that change.
 */
export interface ProviderTables {
  /** A post was accepted. */
  onAccepted?(tx: Db, post: Post): Promise<void>;
  /** The provider has given the publish an id. */
  onPublishId?(tx: Db, postId: string, publishId: string): Promise<void>;
  /** The provider's own status of an open post. */
  onStatus?(db: Db, postId: string, status: string): Promise<void>;
  /** A post has ended with this status of the provider. */
  onSettled?(tx: Db, postId: string, end: { status: string; error: PostError | null }): Promise<void>;
  /** A creator has connected an account, or connected it again. */
  onConnected?(tx: Db, account: Account, login: AccountLogin | null): Promise<void>;
  /** The tokens of an account were wiped. */
  onTokensWiped?(tx: Db, accountId: string): Promise<void>;
  /** A new comment on a post of an account that is not disconnected. */
  onComment?(tx: Db, accountId: string, comment: Comment): Promise<void>;
  /** A creator had their data deleted. */
  onForgotten?(tx: Db, accountId: string): Promise<void>;
  /** The logins of accounts; absent: each account has its own. */
  readonly logins?: {
    find(db: Db, accountId: string): Promise<string | null>;
    /** The condition on `oauth_accounts` for accounts of this login. */
    cameWith(db: Db, login: string): SQL;
  };
}
