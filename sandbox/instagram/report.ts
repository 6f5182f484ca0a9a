import { containerNow, type Instagram } from './context.ts';
import { permalinkOf } from './nodes.ts';
import type { Container } from './state.ts';

export function containerView(instagram: Instagram, container: Container) {
  const { state } = instagram;
  const media = state.media.find(({ id }) => id === container.mediaId);
  const children = container.children.flatMap((id) => state.containers[id] ?? []);
  return {
    ...containerNow(instagram, container),
    caption: container.params['caption'] ?? '',
    live: container.mediaId !== null && media !== undefined,
    permalink: media === undefined ? null : permalinkOf(media),
    sha256: [container, ...children].flatMap(({ files }) => files.map((file) => file.sha256)),
  };
}

/** The truth for tests to compare with. Filters: `accountId`, `caption`. */
export function countPublishes(instagram: Instagram, filter: URLSearchParams) {
  const accountId = filter.get('accountId');
  const caption = filter.get('caption');
  const found = Object.values(instagram.state.containers).filter(
    (container) =>
      !container.isItem &&
      (accountId === null || container.accountId === accountId) &&
      (caption === null || (container.params['caption'] ?? '') === caption),
  );
  const states = found.map((container) => containerNow(instagram, container).status);
  const inState = (...wanted: Container['status'][]): number =>
    states.filter((status) => wanted.includes(status)).length;
  return {
    containers: found.length,
    /** Posts that were published; deleted ones count too. */
    live: found.filter(({ mediaId }) => mediaId !== null).length,
    publishCalls: found.reduce((sum, { publishCalls }) => sum + publishCalls, 0),
    failed: inState('ERROR'),
    expired: inState('EXPIRED'),
    open: inState('IN_PROGRESS', 'FINISHED'),
  };
}
