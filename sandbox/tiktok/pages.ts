import type { TikTok } from './context.ts';
import { refuse } from './envelope.ts';
import { isVisible } from './lifecycle.ts';
import type { PagePlay, Video } from './state.ts';

interface Request {
  openId: string;
  cursor: number | undefined;
  maxCount: number;
}
interface Page {
  videos: Video[];
  /** Undefined: the answer has none. */
  cursor: number | undefined;
  hasMore: boolean;
}

const SECOND_MS = 1_000;

/** All that the Display API tells of a creator's videos, newest first. */
export function visibleVideos(tiktok: TikTok, openId: string): Video[] {
  const videos = tiktok.state.videos.filter((video) => video.openId === openId && isVisible(video));
  return videos.toReversed().toSorted((a, b) => b.createdAt - a.createdAt);
}

/** One page of the list (tiktok-facts 3.2 and 11), perhaps one of a bad day. */
export function listPage(tiktok: TikTok, request: Request): Page {
  const { listPhotos, listTimes } = tiktok.options;
  const now = tiktok.core.clock.now();
  const listed = visibleVideos(tiktok, request.openId).filter(
    ({ kind, listedAt = 0 }) => (listPhotos || kind === 'video') && listedAt <= now,
  );
  const timeOf = ({ createdAt }: Video): number =>
    listTimes === 'ms' ? createdAt : Math.floor(createdAt / SECOND_MS) * SECOND_MS;
  // A cursor of 0 is the epoch: nothing is older (tiktok-facts 3.2).
  const start = listed.findIndex((video) => request.cursor === undefined || timeOf(video) < request.cursor);
  return played(takePlay(tiktok, request), listed, start < 0 ? listed.length : start, timeOf);

  function played(play: PagePlay | undefined, all: Video[], from: number, at: typeof timeOf): Page {
    const { cursor, maxCount } = request;
    const slice = (begin: number, count: number): Page => {
      const videos = all.slice(begin, begin + count);
      const last = videos.at(-1);
      return { videos, cursor: last ? at(last) : (cursor ?? 0), hasMore: all.length > begin + videos.length };
    };
    const page = slice(from, maxCount);
    const first = all[from];
    switch (play?.page) {
      case 'refuse':
        return refuse(tiktok, 400, 'invalid_params', 'The cursor is invalid');
      case 'short':
        return slice(from, Math.min(play.videos, maxCount));
      case 'empty':
        return first === undefined
          ? page
          : { videos: [], cursor: before(at(first), cursor ?? now), hasMore: true };
      case 'overlap':
        return slice(Math.max(from - Math.min(play.videos, maxCount - 1), 0), maxCount);
      case 'repeat':
        return { ...page, cursor: play.cursor ?? cursor ?? now, hasMore: true };
      case 'no-cursor':
        return { ...page, cursor: undefined, hasMore: true };
      case undefined:
        return page;
    }
  }
}

/** A cursor that leaves nothing out: younger than the next video, and older than the one that was sent if possible. */
function before(next: number, sent: number): number {
  return next + 1 + Math.max(Math.floor((sent - next - 1) / 2), 0);
}

function takePlay(tiktok: TikTok, { openId, cursor }: Request): PagePlay | undefined {
  const { state } = tiktok;
  const play = state.pagePlays.find(
    (candidate) =>
      (candidate.openId === undefined || candidate.openId === openId) &&
      // Only a page after the first one overlaps or has a cursor to refuse.
      (cursor !== undefined || !['refuse', 'overlap'].includes(candidate.page)),
  );
  if (play === undefined) return undefined;
  if (play.after > 0) {
    play.after -= 1;
    return undefined;
  }
  if (play.times === 1) state.pagePlays = state.pagePlays.filter((other) => other !== play);
  if (play.times > 1) play.times -= 1;
  return { ...play };
}
