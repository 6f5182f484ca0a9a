import type { SQL } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { ActionKind, Value } from '../reading.ts';
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

/** A reply of ours to a copied comment. */
export interface Replied {
  readonly comment: {
    providerCommentId: string;
    providerParentId: string | null;
    providerMediaId: string | null;
  };
  readonly account: Account;
  readonly text: string | null;
}

/**
 * A table of copies of one provider's media or comments. Columns are named by their properties. The copy columns
 * (db/schema/columns.ts) are the same in each.
 */
export interface CopyTable {
  readonly holds: 'media' | 'comments';
  readonly table: PgTable;
  /** The column of the provider's id. */
  readonly key: string;
  /** The column of the row that the copies belong to: with the key it is unique. */
  readonly owner: string;
  /** The column of the thing's own time. */
  readonly time: string;
  /** Columns whose changes are no change of content, such as signed URLs. */
  readonly volatile: readonly string[];
  /** Columns of counts: their changes are changes of insights, not of content. */
  readonly counts: readonly string[];
  /** Comments: the column, and its value, that says that the owner of the media has hidden it. */
  readonly hiddenBy?: { readonly column: string; readonly value: string | boolean };
  /** Comments: what an action that succeeded makes of the copy. */
  readonly acted?: Readonly<Partial<Record<ActionKind, Readonly<Record<string, Value>>>>>;
  /** Comments: the copy of a reply of ours, apart from its id. */
  readonly replied?: (reply: Replied) => Readonly<Record<string, Value>>;
  /** Comments: the column of the provider's id of the media; absent: the owner is the media's copy. */
  readonly media?: string;
  /** Comments: the column of the provider's id of the comment that it replies to. */
  readonly repliesTo?: string;
  /** Comments: the column that says how an approval stands; null there: none is needed. */
  readonly approval?: string;
  /** Media: the column of the id of the album that a child belongs to. */
  readonly parent?: string;
  /** Media: the condition for the copies that a stream's list shows. Default: all. */
  readonly listedIn?: (stream: string) => SQL;
  /** Media: which of these provider ids are parts of our posts that a list of comments shows; absent: none are. */
  partsOf?(tx: Db, accountId: string, ids: readonly string[]): Promise<string[]>;
  /** Media: links the copies that are parts of one of our posts, with their places in it. */
  linkParts?(tx: Db, accountId: string, ids: readonly string[]): Promise<void>;
  /** Media: when it ends by itself, such as a story after a day; absent: never. */
  readonly endsAt?: SQL;
  /**
   * The owners of items. @param parents the items' parents, or null for an item without one
   * @returns the owner of an item with this parent; undefined: unknown
   */
  ownersOf(
    tx: Db,
    accountId: string,
    parents: readonly (string | null)[],
  ): Promise<(parent: string | null) => string | undefined>;
  /** The condition for all copies of an account. */
  ofAccount(accountId: string | SQL): SQL;
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
  /** Where copies of the platform's data are; absent: none are kept. */
  readonly copies?: { readonly media: CopyTable; readonly comments?: CopyTable };
  /** A creator had their data deleted. */
  onForgotten?(tx: Db, accountId: string): Promise<void>;
  /** The logins of accounts; absent: each account has its own. */
  readonly logins?: {
    find(db: Db, accountId: string): Promise<string | null>;
    /** The condition on `oauth_accounts` for accounts of this login. */
    cameWith(db: Db, login: string): SQL;
  };
}
