/* The registry of all workflows and of the messages that they accept. */
export { deletePost } from './delete-post.ts';
export { handleEvent } from './handle-event.ts';
export { keepTokenFresh } from './keep-token-fresh.ts';
export { mediaUpload } from './media-upload.ts';
export { moderateComment } from './moderate-comment.ts';
export { publishPost } from './publish-post.ts';
export { sweep } from './sweep.ts';
export { syncAccount } from './sync-account.ts';
export { syncDue } from './sync-due.ts';
