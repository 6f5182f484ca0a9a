/* The registry: every workflow and every message that somebody else may send. */
export { deletePost } from './delete-post.ts';
export { handleEvent } from './handle-event.ts';
export { keepTokenFresh } from './keep-token-fresh.ts';
export { mediaUpload } from './media-upload.ts';
export { publishPost } from './publish-post.ts';
export { sweep } from './sweep.ts';
