/** classic-level: LevelDB behind Node-API. */
import { type Level, levelStore } from './abstract-level-store.ts';
import type { Contender } from './store.ts';
import { versionOf } from './version.ts';

export const contender: Contender = {
  describe: async () => {
    await import('classic-level');
    return `classic-level ${versionOf('classic-level')}, snappy and Bloom filters of 10 bits as it has them by default`;
  },
  open: async ({ dir, durability, memtableBytes, cacheBytes }) => {
    const { ClassicLevel } = await import('classic-level');
    const db = new ClassicLevel<Buffer, Buffer>(dir, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: memtableBytes,
      cacheSize: cacheBytes,
    });
    await db.open();
    const end = Buffer.alloc(17, 0xff);
    return levelStore(db as unknown as Level, { durability, compact: () => db.compactRange(Buffer.from([0]), end) });
  },
};
