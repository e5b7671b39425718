/** tell, same thread: an actor sends to an actor, at most 1024 under way. Peers send and count the same objects. */
import { dispatch, spawnStateless, start, stop } from 'nact';
import { ActorSystem } from '../../runtime/system.ts';
import { type Contest, rateOf } from '../lib/contest.ts';
import { drive, driver, type Put, sink, TEXT_64 } from './workload.ts';

const WINDOW = 1024;

export async function open(): Promise<Contest> {
  const system = await ActorSystem.start({ logLevel: 'warn' });
  const from = system.spawn(driver);
  const to = system.spawn(sink, [], { mailbox: { capacity: WINDOW + 1 } });
  const nact = openNact();
  return {
    metrics: [{ key: 'rate', name: 'tell, same thread', unit: 'msg/s' }],
    ours: rateOf('dynactor', 500_000, (count) => drive(from, to, { count, size: TEXT_64, path: 'object', window: WINDOW })),
    peers: [rateOf('function call through an array queue', 500_000, throughQueue), rateOf('nact', 10_000, (count) => nact.tell(count))],
    close: async () => {
      nact.close();
      await system.stop();
    },
  };
}

/** A function called for each message of an array, filled and emptied as our mailbox is. */
async function throughQueue(count: number): Promise<void> {
  const text = 'x'.repeat(TEXT_64);
  let handled = 0;
  let checksum = 0;
  const receive = (message: Put): void => {
    if (message.type === 'put') checksum = (checksum + message.n + message.text.length) | 0;
    handled++;
  };
  let queue: Put[] = [];
  for (let n = 0; n < count; ) {
    const upTo = Math.min(count, n + WINDOW);
    for (; n < upTo; n++) queue.push({ type: 'put', n, text });
    for (const message of queue) receive(message);
    queue = [];
  }
  if (handled !== count || checksum === 0.5) throw new Error(`queue: ${handled} of ${count} handled`);
}

function openNact(): { tell(count: number): Promise<void>; close(): void } {
  const system = start();
  const text = 'x'.repeat(TEXT_64);
  let handled = 0;
  let checksum = 0;
  let expected = 0;
  let onHandled: () => void = () => undefined;
  const counter = spawnStateless(
    system,
    (message: Put) => {
      if (message.type === 'put') checksum = (checksum + message.n + message.text.length) | 0;
      if (++handled === expected) onHandled();
    },
    'sink',
  );
  return {
    tell: async (count) => {
      handled = 0;
      for (let n = 0; n < count; ) {
        const upTo = Math.min(count, n + WINDOW);
        expected = upTo;
        const done = new Promise<void>((resolve) => {
          onHandled = resolve;
        });
        for (; n < upTo; n++) dispatch(counter, { type: 'put', n, text });
        await done;
      }
      if (checksum === 0.5) throw new Error('never');
    },
    close: () => stop(system),
  };
}
