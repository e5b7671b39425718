/** tell, thread to thread, 64 bytes over the binary path. */
import { type Contest, rateOf } from '../lib/contest.ts';
import { openPortPair } from './port-pair.ts';
import { openShardPair } from './shard-pair.ts';
import { drive } from './workload.ts';

const WINDOW = 4096;
const SIZE = 64;

export async function open(): Promise<Contest> {
  const pair = await openShardPair(WINDOW);
  const posts = openPortPair('post-sender', 'post-receiver');
  return {
    metrics: [{ key: 'rate', name: 'tell, thread to thread, 64 B binary', unit: 'msg/s' }],
    ours: rateOf('dynactor', 200_000, (count) => drive(pair.driver, pair.sink, { count, size: SIZE, path: 'binary', window: WINDOW })),
    peers: [rateOf('postMessage per message', 20_000, (count) => posts.send({ count, size: SIZE, path: 'binary' }))],
    close: async () => {
      await Promise.all([pair.system.stop(), posts.close()]);
    },
  };
}
