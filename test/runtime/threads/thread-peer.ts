/** A worker thread with a thread transport, told by its parent whom to join and what to send. Also used by the parent itself. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { Place } from '../../../runtime/address.ts';
import { viewOf } from '../../../runtime/bytes.ts';
import { BULK_CLASS } from '../../../runtime/lanes.ts';
import type { Link, LinkEvents, Tasks } from '../../../runtime/link.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { ThreadChannelEnd } from '../../../runtime/threads/thread-channel.ts';
import { ThreadTransport } from '../../../runtime/threads/thread-transport.ts';
import { checkFrame } from '../../../runtime/wire/frame.ts';
import { RecordingLog } from '../recording-log.ts';
import { putFrame } from '../wire/rig.ts';

export type Order =
  | { readonly type: 'attach'; readonly shard: number; readonly boot: number; readonly end: ThreadChannelEnd }
  /** Sends frames 0 .. count-1 to each of the shards, in flushes of random size with random pauses. */
  | { readonly type: 'stream'; readonly to: readonly number[]; readonly count: number }
  | { readonly type: 'close' };

export type News =
  /** So many frames of the other shard's stream have come, each once and in order. A worker tells only when it has all of them. */
  | { readonly type: 'received'; readonly from: number; readonly count: number }
  | { readonly type: 'placeDown'; readonly shard: number; readonly boot: number }
  | { readonly type: 'closed' };

const realTasks: Tasks = {
  now: () => performance.now(),
  after: (ms, task) => Object.assign(setTimeout(task, ms), { at: performance.now() + ms }),
  cancel: (handle) => clearTimeout(handle as unknown as NodeJS.Timeout),
};

export class ThreadPeer implements LinkEvents {
  congested = false;
  readonly #tell: (news: News) => void;
  readonly #transport: ThreadTransport;
  readonly #random: SeededRandom;
  readonly #received = new Map<number, number>();

  constructor(shard: number, tell: (news: News) => void) {
    this.#tell = tell;
    this.#random = new SeededRandom(`peer ${shard}`);
    this.#transport = new ThreadTransport({ node: 'n', shard, boot: 1, events: this, tasks: realTasks, log: new RecordingLog() });
  }

  obey(order: Order): void {
    if (order.type === 'attach') this.#transport.attach(order, order.end);
    else if (order.type === 'close') this.#transport.close(() => this.#tell({ type: 'closed' }));
    else for (const shard of order.to) this.#stream(this.#transport.link({ node: 'n', shard }, BULK_CLASS), 0, order.count);
  }

  #stream(link: Link, from: number, count: number): void {
    const random = this.#random;
    let next = from;
    for (let i = random.below(40); i > 0 && next < count; i--) {
      if (!putFrame(link, next, random.chance(0.001) ? 3000 : 1 + random.below(100))) break;
      next += 1;
    }
    link.flush();
    // Now and then some idle turns, so that the receiver gets to sleep.
    const idle = random.chance(0.05) ? random.below(20) : 0;
    if (next < count) this.#after(idle, () => this.#stream(link, next, count));
  }

  #after(turns: number, body: () => void): void {
    setImmediate(() => {
      if (turns === 0) body();
      else this.#after(turns - 1, body);
    });
  }

  onFrames(link: Link, buffer: Buffer, start: number, end: number): void {
    const view = viewOf(buffer);
    const from = link.place.shard;
    let expected = this.#received.get(from) ?? 0;
    for (let at = start; at < end; expected++) {
      const next = checkFrame(view, at, end);
      const id = view.getUint32(at + 31);
      if (id !== expected) throw new Error(`frame ${id} of shard ${from}, expected ${expected}`);
      at = next;
    }
    this.#received.set(from, expected);
    if (this.#random.chance(0.02)) this.#pause();
    this.#tell({ type: 'received', from, count: expected });
  }

  /** Wants no more bulk for some turns. */
  #pause(): void {
    this.congested = true;
    this.#after(10, () => {
      this.congested = false;
      this.#transport.resume();
    });
  }

  onLinkUp(): void {}
  onLinkDown(): void {}
  onLinkDrained(): void {}

  onPlaceDown(place: Place, boot: number): void {
    this.#tell({ type: 'placeDown', shard: place.shard, boot });
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const { shard, count } = workerData as { readonly shard: number; readonly count: number };
  const peer = new ThreadPeer(shard, (news) => {
    if (news.type !== 'received' || news.count === count) port.postMessage(news);
    if (news.type === 'closed') port.close();
  });
  port.on('message', (order: Order) => peer.obey(order));
}
