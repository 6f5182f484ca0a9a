import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/*
 * Ids and search attributes of the workflows: what operators type into the Temporal UI. Ids do the de-duplication.
 */

export const TASK_QUEUE = 'everpost';

export const postWorkflowId = (postId: string): string => `post:${postId}`;
export const deletionWorkflowId = (postId: string): string => `delete:${postId}`;
export const tokenWorkflowId = (provider: string, accountId: string): string =>
  `token:${provider}:${accountId}`;
export const mediaWorkflowId = (mediaId: string): string => `media:${mediaId}`;
export const eventWorkflowId = (provider: string, externalId: string): string =>
  `webhook:${provider}:${externalId}`;
export const SWEEP_ID = 'sweep';

export const EverpostUser = defineSearchAttributeKey('EverpostUser', SearchAttributeType.KEYWORD);
export const EverpostAccount = defineSearchAttributeKey('EverpostAccount', SearchAttributeType.KEYWORD);
export const EverpostProvider = defineSearchAttributeKey('EverpostProvider', SearchAttributeType.KEYWORD);
export const EverpostState = defineSearchAttributeKey('EverpostState', SearchAttributeType.KEYWORD);
export const EverpostProviderId = defineSearchAttributeKey('EverpostProviderId', SearchAttributeType.KEYWORD);

/** Registered by the worker where the server lets it. */
export const SEARCH_ATTRIBUTES = [
  EverpostUser,
  EverpostAccount,
  EverpostProvider,
  EverpostState,
  EverpostProviderId,
] as const;

/** Temporal header of the id of the HTTP request that something came with. */
export const REQUEST_ID = 'everpost-request-id';
