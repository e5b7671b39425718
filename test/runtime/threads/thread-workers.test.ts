import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { MAIN_SHARD } from '../../../runtime/address.ts';
import { createThreadChannel } from '../../../runtime/threads/thread-channel.ts';
import { type News, type Order, ThreadPeer } from './thread-peer.ts';

const ext = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

interface Told {
  readonly by: number;
  readonly news: News;
}

/** The main thread and some workers, each joined with each. */
class Mesh {
  readonly shards: readonly number[];
  readonly workers = new Map<number, Worker>();
  readonly told: Told[] = [];
  readonly #main: ThreadPeer;
  readonly #t: ExecutionContext;
  #check: () => void = () => undefined;

  constructor(t: ExecutionContext, workers: number, count: number) {
    this.#t = t;
    this.#main = new ThreadPeer(MAIN_SHARD, (news) => this.#note(MAIN_SHARD, news));
    for (let shard = 0; shard < workers; shard++) {
      const worker = new Worker(new URL(`./thread-peer${ext}`, import.meta.url), { workerData: { shard, count } });
      worker.on('message', (news: News) => this.#note(shard, news));
      worker.on('error', (error) => t.fail(`worker ${shard}: ${error.message}`));
      this.workers.set(shard, worker);
    }
    this.shards = [MAIN_SHARD, ...this.workers.keys()];
    for (const [i, one] of this.shards.entries()) for (const other of this.shards.slice(i + 1)) this.#join(one, other);
  }

  #join(one: number, other: number): void {
    const { a, b } = createThreadChannel({ bulkBytes: 2048, controlBytes: 256 });
    this.order(one, { type: 'attach', shard: other, boot: 1, end: a.end });
    this.order(other, { type: 'attach', shard: one, boot: 1, end: b.end });
  }

  order(shard: number, order: Order): void {
    const worker = this.workers.get(shard);
    if (worker === undefined) this.#main.obey(order);
    else worker.postMessage(order, order.type === 'attach' ? [order.end.port] : []);
  }

  #note(by: number, news: News): void {
    this.told.push({ by, news });
    this.#check();
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#check = () => {
        if (condition()) resolve();
      };
      this.#check();
    });
  }

  has(by: number, wanted: Readonly<Record<string, unknown>>): boolean {
    return this.told.some(({ by: teller, news }) => teller === by && Object.entries(wanted).every(([k, v]) => news[k as keyof News] === v));
  }

  async close(): Promise<void> {
    const exits = [...this.workers.values()].map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    for (const shard of this.shards) this.order(shard, { type: 'close' });
    await Promise.all(exits);
    this.#t.pass();
  }
}

test('thread transport: every frame arrives once and in order, when three real threads stream to each other through small rings', async (t) => {
  const count = 20_000;
  const mesh = new Mesh(t, 2, count);
  const { shards } = mesh;
  for (const shard of shards) mesh.order(shard, { type: 'stream', to: shards.filter((s) => s !== shard), count });
  const pairs = shards.flatMap((by) => shards.filter((from) => from !== by).map((from) => ({ by, from })));
  await mesh.until(() => pairs.every(({ by, from }) => mesh.has(by, { type: 'received', from, count })));
  await mesh.close();
});

test('thread transport: the others learn of it and go on with each other, when a real thread is ended in the middle of its stream', async (t) => {
  const count = 30_000;
  const mesh = new Mesh(t, 3, count);
  const [main, victim, ...others] = mesh.shards as [number, number, number, number];
  for (const shard of mesh.shards) mesh.order(shard, { type: 'stream', to: mesh.shards.filter((s) => s !== shard), count });
  await mesh.until(() => mesh.has(main, { type: 'received', from: victim }));
  await (mesh.workers.get(victim) as Worker).terminate();
  mesh.workers.delete(victim);
  const left = [main, ...others];
  await mesh.until(() => left.every((by) => mesh.has(by, { type: 'placeDown', shard: victim, boot: 1 })));
  await mesh.until(() => left.every((by) => left.every((from) => from === by || mesh.has(by, { type: 'received', from, count }))));
  for (const by of left) t.is(mesh.told.filter(({ by: teller, news }) => teller === by && news.type === 'placeDown').length, 1);
  const exits = others.map((shard) => new Promise((resolve) => (mesh.workers.get(shard) as Worker).once('exit', resolve)));
  for (const shard of left) mesh.order(shard, { type: 'close' });
  await Promise.all(exits);
});
