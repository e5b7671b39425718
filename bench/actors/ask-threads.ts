/** ask, thread to thread, one at a time, with a promise, from the main thread; beside it the same over a bare MessagePort. */
import { MessageChannel } from 'node:worker_threads';
import type { Contender, Contest } from '../lib/contest.ts';
import { quantileOf } from '../lib/stats.ts';
import { startPeer } from './port-pair.ts';
import { openShardPair } from './shard-pair.ts';
import { TEXT_64 } from './workload.ts';

const ASKS_MAX = 200_000;
const TEXT = 'x'.repeat(TEXT_64);

export async function open(): Promise<Contest> {
  const pair = await openShardPair(0);
  const { port1, port2 } = new MessageChannel();
  const worker = startPeer('echo', port2);
  let onAnswer: (n: number) => void = () => undefined;
  port1.on('message', (n: number) => onAnswer(n));
  return {
    metrics: [
      { key: 'p50', name: 'ask, thread to thread, p50', unit: 'us' },
      { key: 'p99', name: 'ask, thread to thread, p99', unit: 'us' },
    ],
    ours: roundTrips('dynactor', (n) =>
      pair.echo.ask<number>((replyTo) => ({ type: 'question', n, text: TEXT, replyTo }), { timeoutMs: 5000 }),
    ),
    peers: [
      roundTrips(
        'MessagePort ping-pong',
        (n) =>
          new Promise((resolve) => {
            onAnswer = resolve;
            port1.postMessage({ type: 'question', n, text: TEXT });
          }),
      ),
    ],
    close: async () => {
      port1.close();
      await Promise.all([pair.system.stop(), worker.terminate()]);
    },
  };
}

function roundTrips(label: string, ask: (n: number) => Promise<number>): Contender {
  const times = new Float64Array(ASKS_MAX);
  return {
    label,
    run: async (ms) => {
      const until = performance.now() + ms;
      let count = 0;
      for (let now = 0; now < until && count < ASKS_MAX; count++) {
        const before = performance.now();
        const answer = await ask(count);
        now = performance.now();
        if (answer !== count) throw new Error(`${label}: asked ${count}, answered ${answer}`);
        times[count] = (now - before) * 1000;
      }
      const sorted = times.slice(0, count).sort();
      return { p50: quantileOf(sorted, 0.5), p99: quantileOf(sorted, 0.99) };
    },
  };
}
