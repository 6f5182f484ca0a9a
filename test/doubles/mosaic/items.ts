import type { Core } from '../../../sandbox/core/core.ts';
import { json, type Call, type Reply } from '../../../sandbox/core/http.ts';
import { Mismatch } from '../../../sandbox/core/json.ts';
import { mediaControls, type MediaKeeper, type MediaTruth } from '../../../sandbox/core/media.ts';

/** What people at Mosaic have made: one list, oldest first, without pages. Nothing is ever asked for by id. */
export function createItems(core: Core) {
  const items = new Map<string, MediaTruth>();
  const known = (id: string): MediaTruth => {
    const item = items.get(id);
    if (item === undefined) throw new Mismatch(`unknown item ${id}`);
    return item;
  };

  const keeper: MediaKeeper = {
    make({ account, text, createdAt = core.clock.now(), counts }) {
      const id = `item-${items.size + 1}`;
      items.set(id, { id, account, text, createdAt, counts, visible: true, published: false });
      return id;
    },
    edit(id, { text, counts }) {
      const item = known(id);
      items.set(id, { ...item, text: text ?? item.text, counts: { ...item.counts, ...counts } });
    },
    remove: (id) => items.set(id, { ...known(id), visible: false }),
    restore: (id) => items.set(id, { ...known(id), visible: true }),
    all: () => [...items.values()],
  };

  return {
    controls: mediaControls('mosaic', keeper),
    list:
      (holderOf: (call: Call) => string) =>
      (call: Call): Reply => {
        const openId = holderOf(call);
        const own = [...items.values()].filter(({ account, visible }) => visible && account === openId);
        const shown = own.toSorted((a, b) => a.createdAt - b.createdAt);
        const views = shown.map(({ id, text, createdAt, counts }) => ({
          id,
          text,
          made: createdAt,
          ...counts,
        }));
        return json(200, JSON.stringify({ items: views }));
      },
  };
}
