/** tell, thread to thread, an object of 64 bytes: counted where it is handled. */
import { type Contest, rateOf } from '../lib/contest.ts';
import { openPortPair } from './port-pair.ts';
import { openShardPair } from './shard-pair.ts';
import { drive, TEXT_64 } from './workload.ts';

const WINDOW = 4096;

export async function open(): Promise<Contest> {
  const pair = await openShardPair(WINDOW);
  const posts = openPortPair('post-sender', 'post-receiver');
  const calls = openPortPair('comlink-sender', 'comlink-receiver');
  return {
    metrics: [{ key: 'rate', name: 'tell, thread to thread, 64 B object', unit: 'msg/s' }],
    ours: rateOf('dynactor', 100_000, (count) => drive(pair.driver, pair.sink, { count, size: TEXT_64, path: 'object', window: WINDOW })),
    peers: [
      rateOf('postMessage per message', 20_000, (count) => posts.send({ count, size: TEXT_64, path: 'object' })),
      rateOf('comlink call', 2_000, (count) => calls.send({ count, size: TEXT_64, path: 'object' })),
    ],
    close: async () => {
      await Promise.all([pair.system.stop(), posts.close(), calls.close()]);
    },
  };
}
