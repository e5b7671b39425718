/** SimNode and SimShard: the machine and the threads that a test sees. They outlive crashes; what is inside them does not. */
import type { ActorDefinition, SpawnOptions } from '../actor.ts';
import { MAIN_SHARD, type Place, placeName } from '../address.ts';
import { invalidArgument, RuntimeError } from '../errors.ts';
import type { Ref } from '../ref.ts';
import type { ShardRuntime } from '../shard-runtime.ts';
import { NodeTime } from './node-time.ts';
import { rebind } from './rebind.ts';
import { SimDisk } from './sim-disk.ts';
import type { SimThread } from './sim-thread.ts';

/** One life of a thread, with what it runs. */
export interface Life {
  readonly thread: SimThread;
  readonly runtime: ShardRuntime;
}

export class SimShard {
  readonly node: SimNode;
  readonly index: number;
  readonly place: Place;
  readonly name: string;
  /** Of the present life, or the last one; 0 before the first. */
  boot = 0;
  life: Life | undefined;

  constructor(node: SimNode, index: number) {
    this.node = node;
    this.index = index;
    this.place = { node: node.name, shard: index };
    this.name = placeName(this.place);
  }

  get isUp(): boolean {
    return this.life !== undefined;
  }

  /** Errors: UNREACHABLE while the thread is dead. */
  get runtime(): ShardRuntime {
    if (this.life === undefined) throw new RuntimeError('UNREACHABLE', `${this.name} is not running`);
    return this.life.runtime;
  }

  spawn<M, A extends readonly unknown[]>(definition: ActorDefinition<M, A>, args: A, options?: SpawnOptions): Ref<M> {
    const { runtime } = this;
    return runtime.spawn(definition, rebind(args, runtime), options);
  }
}

export class SimNode {
  readonly name: string;
  /** The worker threads. */
  readonly shards: readonly SimShard[];
  readonly main: SimShard;
  readonly time = new NodeTime();
  /** Outlives crashes of the node, as far as its files were synced. While the node is down another may be put in its place. */
  disk = new SimDisk();

  constructor(name: string, shardCount: number) {
    this.name = name;
    this.main = new SimShard(this, MAIN_SHARD);
    this.shards = Array.from({ length: shardCount }, (_, index) => new SimShard(this, index));
  }

  /** Errors: INVALID_ARGUMENT when there is no such shard. */
  shard(index: number): SimShard {
    const shard = index === MAIN_SHARD ? this.main : this.shards[index];
    if (shard === undefined)
      throw invalidArgument(`${this.name}: expected a shard from 0 to ${this.shards.length - 1}, or the main one, got ${index}`);
    return shard;
  }

  /** The main thread first, then the shards. */
  get threads(): readonly SimShard[] {
    return [this.main, ...this.shards];
  }

  get isUp(): boolean {
    return this.main.isUp;
  }
}
