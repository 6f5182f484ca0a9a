import { contentProblem, type RequestProblem } from '../request-problem.ts';
import { isPhotoPost, type TikTokRequest } from './request.ts';

const PHOTO_TYPES = ['image/jpeg', 'image/webp'];
const MOST_PHOTO_BYTES = 20_000_000;

/** The problem with a photo of ours (tiktok-facts 4.12), or null. */
export function photoProblem({ contentType, size }: { contentType: string; size: number }): string | null {
  if (!PHOTO_TYPES.includes(contentType)) return 'is no JPEG or WebP, and TikTok takes no other images';
  return size > MOST_PHOTO_BYTES ? 'is larger than the 20 MB that TikTok takes' : null;
}

const INBOX_FIELDS = new Set(['title']);
const INBOX_PHOTO_FIELDS = new Set(['title', 'description']);
const PHOTO_ONLY = ['description', 'auto_add_music'] as const;
const VIDEO_ONLY = ['disable_duet', 'disable_stitch', 'video_cover_timestamp_ms'] as const;

/**
 * Checks TikTok's rules that need no account (tiktok-facts 4.3 to 4.5, 4.13). @returns the problems; empty if there are
 * none
 */
export function checkRequest(request: TikTokRequest): RequestProblem[] {
  const problems: RequestProblem[] = [];
  const { mode, postInfo, photoUrls, photoCoverIndex } = request;
  const photo = isPhotoPost(request);
  const problem = (field: string, message: string): void =>
    void problems.push({ field: `postInfo.${field}`, message });
  const content = (subject: string, field: string, message: string): void =>
    void problems.push(contentProblem(subject, `postInfo.${field}`, message));

  for (const field of photo ? VIDEO_ONLY : PHOTO_ONLY)
    if (postInfo[field] !== undefined)
      problem(field, `is for ${photo ? 'videos' : 'photo posts'} only; leave it out`);
  if (mode === 'inbox') {
    const allowed = photo ? INBOX_PHOTO_FIELDS : INBOX_FIELDS;
    for (const field of Object.keys(postInfo))
      if (!allowed.has(field))
        problem(field, 'is not used by mode inbox (the creator sets it in the TikTok app); leave it out');
  } else if (postInfo.privacy_level === undefined) {
    problems.push({
      field: 'postInfo.privacy_level',
      message: 'is required by mode direct: one of the options that creator-info lists',
      userMessage: 'Choose who may see the post.',
    });
  }
  const longestTitle = photo ? 90 : 2200;
  if ((postInfo.title?.length ?? 0) > longestTitle)
    content('The title', 'title', `is longer than ${longestTitle} UTF-16 units`);
  if ((postInfo.description?.length ?? 0) > 4000)
    content('The description', 'description', 'is longer than 4000 UTF-16 units');
  if (postInfo.brand_content_toggle === true && postInfo.privacy_level === 'SELF_ONLY')
    problems.push({
      field: 'postInfo.privacy_level',
      message: 'branded content cannot be SELF_ONLY; choose another level',
      userMessage: 'Branded content visibility cannot be set to private. Choose who else may see the post.',
    });
  if (photoCoverIndex !== undefined && (!photo || photoCoverIndex >= (photoUrls?.length ?? 1)))
    problems.push({ field: 'photoCoverIndex', message: 'must be the 0-based position of one of photoUrls' });
  return problems;
}
