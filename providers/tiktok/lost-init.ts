import { amount, id, records, text } from '../json.ts';
import type { LookUp, Lost, PostContext } from '../publishing.ts';
import { SECOND } from '../../durations.ts';
import { callApi, type TikTokSettings } from './client.ts';
import { isPhotoPost, readRequest, type TikTokRequest } from './request.ts';

/*
 * Finds out what happened to an init whose answer was lost. TikTok does not list publishes; only the creator's list of
 * public videos can show it, if `video.list` was granted (tiktok-facts 3.2, 7 and 8.29). It is not known whether that
 * list includes photo posts (tiktok-facts 11.3).
 */

const LIST_SCOPE = 'video.list';
const SKEW_MS = 60 * SECOND;
/** Listed texts are cut (tiktok-facts 3.4). */
const LISTED_LENGTH = 150;
const PAGE = 20;
/** A creator posts some 15 times a day (tiktok-facts 4.13). */
const MOST_PAGES = 5;

/** @throws ProviderError if the list cannot be read */
export async function lookUpInit(
  settings: TikTokSettings,
  request: TikTokRequest,
  context: PostContext,
  { at, others, rivals }: Lost,
): Promise<LookUp> {
  const captions = captionsOf(request);
  const listed =
    request.mode === 'direct' &&
    request.postInfo.privacy_level === 'PUBLIC_TO_EVERYONE' &&
    context.scopes.includes(LIST_SCOPE);
  // Without a text, every manual post of the creator would match.
  if (!listed || captions.length === 0) return { kind: 'nobody' };
  if (rivals.some((rival) => captionsOf(readRequest(rival)).some((other) => captions.includes(other))))
    return { kind: 'unseen' };
  const since = at.getTime() - SKEW_MS;
  const fitting = (await videosSince(settings, context, since)).filter(
    (video) =>
      !others.includes(video.id) &&
      video.captions.some((caption) => captions.includes(caption)) &&
      (video.kind === null || video.kind === (isPhotoPost(request) ? 'photo' : 'video')),
  );
  const [only, another] = fitting;
  if (only === undefined || another !== undefined) return { kind: 'unseen' };
  return { kind: 'happened', written: { providerPostId: only.id, logId: null } };
}

interface ListedVideo {
  id: string;
  captions: readonly string[];
  /** From its link; null if that shows neither. */
  kind: string | null;
}

/** The creator's public videos since then, newest first. Only `has_more` ends a list (tiktok-facts 11.2). */
async function videosSince(
  settings: TikTokSettings,
  { accessToken, signal }: PostContext,
  since: number,
): Promise<ListedVideo[]> {
  const found: ListedVideo[] = [];
  let cursor: number | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { data } = await callApi(settings, {
      path: '/v2/video/list/?fields=id,create_time,title,video_description,share_url',
      // A cursor of 0 is the epoch, so the first call has none (tiktok-facts 3.2).
      body: { max_count: PAGE, ...(cursor === null ? {} : { cursor }) },
      effect: 'read',
      accessToken,
      signal,
    });
    const rows = records(data['videos']);
    for (const row of rows) {
      const videoId = id(row['id']);
      if (videoId === null || (amount(row['create_time']) ?? 0) * SECOND < since) continue;
      const captions = [text(row['title']), text(row['video_description'])]
        .map(cut)
        .filter((one) => one !== '');
      const [, kind = null] = /\/(video|photo)\/\d/.exec(text(row['share_url']) ?? '') ?? [];
      found.push({ id: videoId, captions, kind });
    }
    const next = amount(data['cursor']);
    if (data['has_more'] !== true || next === null || next === cursor || next < since) break;
    cursor = next;
  }
  return found;
}

/** The texts of a request as a list may show them; empty if it has none. */
function captionsOf({ postInfo: { title, description } }: TikTokRequest): string[] {
  return [title ?? null, description ?? null].map(cut).filter((caption) => caption !== '');
}

function cut(caption: string | null): string {
  return Array.from((caption ?? '').replace(/\s+/g, ' ').trim())
    .slice(0, LISTED_LENGTH)
    .join('')
    .trim();
}
