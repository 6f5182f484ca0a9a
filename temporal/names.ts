import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/* Workflow ids and search attributes, as operators type them into the Temporal UI. The ids also deduplicate. */

export const TASK_QUEUE = 'everpost';
/** Sync has workers' slots of its own, so that a backfill never holds one that a publish needs. */
export const SYNC_QUEUE = 'everpost-sync';

export const postWorkflowId = (postId: string): string => `post:${postId}`;
export const deletionWorkflowId = (postId: string): string => `delete:${postId}`;
export const tokenWorkflowId = (provider: string, accountId: string): string =>
  `token:${provider}:${accountId}`;
export const mediaWorkflowId = (mediaId: string): string => `media:${mediaId}`;
export const eventWorkflowId = (provider: string, externalId: string): string =>
  `webhook:${provider}:${externalId}`;
export const syncWorkflowId = (accountId: string): string => `sync:${accountId}`;
export const actionWorkflowId = (actionId: string): string => `action:${actionId}`;
export const SWEEP_ID = 'sweep';
export const SYNC_DUE_ID = 'sync-due';

export const EverpostUser = defineSearchAttributeKey('EverpostUser', SearchAttributeType.KEYWORD);
export const EverpostAccount = defineSearchAttributeKey('EverpostAccount', SearchAttributeType.KEYWORD);
export const EverpostProvider = defineSearchAttributeKey('EverpostProvider', SearchAttributeType.KEYWORD);
export const EverpostState = defineSearchAttributeKey('EverpostState', SearchAttributeType.KEYWORD);
export const EverpostProviderId = defineSearchAttributeKey('EverpostProviderId', SearchAttributeType.KEYWORD);

/** The worker registers these if the server allows it. */
export const SEARCH_ATTRIBUTES = [
  EverpostUser,
  EverpostAccount,
  EverpostProvider,
  EverpostState,
  EverpostProviderId,
] as const;

/** Temporal header with the id of the HTTP request that caused the work. */
export const REQUEST_ID = 'everpost-request-id';
