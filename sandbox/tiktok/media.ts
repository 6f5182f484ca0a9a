import { Mismatch, parse } from '../core/json.ts';
import type { MediaKeeper } from '../core/media.ts';
import { knownOpenId, type TikTok } from './context.ts';
import { addVideo, changeVideo, isVisible } from './lifecycle.ts';
import { VideoCounts, VideoDetails, type Video } from './state.ts';

/** For controls: deleted ones too; an unknown id is a 400. */
export function videoById(tiktok: TikTok, id: string): Video {
  const video = tiktok.state.videos.find((candidate) => candidate.id === id);
  if (video === undefined) throw new Mismatch(`no video ${id}`);
  return video;
}

/** The neutral controls for media, on TikTok: videos and photo posts of a creator. */
export function mediaKeeper(tiktok: TikTok): MediaKeeper {
  function change(id: string, changes: Partial<Video>): void {
    changeVideo(tiktok, videoById(tiktok, id), changes);
  }

  return {
    make: ({ account, text, createdAt = tiktok.core.clock.now(), counts, more }) => {
      const details = parse(VideoDetails, {
        listedAt: tiktok.core.clock.now() + tiktok.options.listLagMs,
        ...more,
      });
      const openId = knownOpenId(tiktok, account);
      return addVideo(tiktok, { ...details, ...parse(VideoCounts, counts), openId, title: text, createdAt })
        .id;
    },
    edit: (id, { text, counts, more }) => {
      const { views, likes, comments, shares, ...rest } = videoById(tiktok, id);
      const details = Object.fromEntries(
        Object.entries(rest).filter(([name]) => name in VideoDetails.properties),
      );
      change(id, {
        ...parse(VideoCounts, { views, likes, comments, shares, ...counts }),
        ...parse(VideoDetails, { ...details, ...more }),
        ...(text === undefined ? {} : { title: text }),
      });
    },
    remove: (id) => change(id, { deleted: true }),
    restore: (id) => change(id, { deleted: false }),
    all: () =>
      tiktok.state.videos.map((video) => ({
        id: video.id,
        account: video.openId,
        text: video.title,
        createdAt: video.createdAt,
        counts: { views: video.views, likes: video.likes, comments: video.comments, shares: video.shares },
        visible: isVisible(video),
        published: video.publishId !== null,
      })),
  };
}
