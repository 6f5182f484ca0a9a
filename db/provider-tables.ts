import type { SQL } from 'drizzle-orm';
import type { Account } from './accounts.ts';
import type { Db } from './client.ts';
import type { Post } from './posts.ts';
import type { PostError } from './schema.ts';

/** The login that an account came with; several accounts may come with one. */
export interface AccountLogin {
  /** The provider's id of the person who logged in. */
  id: string;
  /** The page through which the account is reached; null: it is reached by itself. */
  page: {
    id: string;
    /** The page's token as the column of this table may hold it. */
    sealToken: (place: { table: string; column: string }) => Promise<Uint8Array>;
  } | null;
}

/** A comment on what an account has published. */
export interface Comment {
  mediaId: string;
  commentId: string;
  fromUser: string | null;
  text: string | null;
}

/**
 * What a provider keeps in tables of its own (db/<name>.ts). Each hook runs in the transaction of the change that it is named
 * after; without one the provider keeps nothing of it.
 */
export interface ProviderTables {
  /** A post was accepted. */
  onAccepted?(tx: Db, post: Post): Promise<void>;
  /** The provider has named the act of publishing. */
  onPublishId?(tx: Db, postId: string, publishId: string): Promise<void>;
  /** The provider has said, in its own word, where an open post stands. */
  onStatus?(db: Db, postId: string, status: string): Promise<void>;
  /** A post has ended with this word of the provider. */
  onSettled?(tx: Db, postId: string, end: { status: string; error: PostError | null }): Promise<void>;
  /** A creator has connected an account, or connected it again. */
  onConnected?(tx: Db, account: Account, login: AccountLogin | null): Promise<void>;
  /** The tokens of an account were wiped. */
  onTokensWiped?(tx: Db, accountId: string): Promise<void>;
  /** Somebody has commented on what an account that is not disconnected has published. */
  onComment?(tx: Db, accountId: string, comment: Comment): Promise<void>;
  /** A creator had their data deleted. */
  onForgotten?(tx: Db, accountId: string): Promise<void>;
  /** The logins that accounts came with; absent: each account comes by itself. */
  readonly logins?: {
    find(db: Db, accountId: string): Promise<string | null>;
    /** The condition on `oauth_accounts` that an account came with this login. */
    cameWith(db: Db, login: string): SQL;
  };
}
