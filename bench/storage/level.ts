/** Our engine behind abstract-level. */
import { type Level, levelStore } from './abstract-level-store.ts';
import type { Contender } from './store.ts';

interface DynactorLevel extends Level {
  open(): Promise<void>;
  compactRange(start: Buffer, end: Buffer): Promise<void>;
}
/** Of `storage/embedded/level.ts`. */
interface LevelModule {
  readonly DynactorLevel: new (dir: string, options: object) => DynactorLevel;
}

export const contender: Contender = {
  describe: async () => {
    await load();
    return 'DynactorLevel, over the same engine';
  },
  open: async ({ dir, durability, memtableBytes, cacheBytes }) => {
    const { DynactorLevel } = await load();
    const options = { keyEncoding: 'buffer', valueEncoding: 'buffer', durability: 'none', memtableBytes, cacheBytes };
    const db = new DynactorLevel(dir, options);
    await db.open();
    return levelStore(db, { durability, compact: () => db.compactRange(Buffer.from([0]), Buffer.alloc(17, 0xff)) });
  },
};

async function load(): Promise<LevelModule> {
  return (await import(new URL('../../storage/embedded/level.js', import.meta.url).href)) as LevelModule;
}
