/** Finds actor definitions and start functions among the exports of the modules that a node was given. */
import type { ActorDefinition, SpawnOptions } from './actor.ts';
import { invalidArgument, RuntimeError } from './errors.ts';
import type { NodeAddress } from './node-address.ts';
import type { ServiceKey } from './receptionist-protocol.ts';
import type { Ref } from './ref.ts';

/** A definition of which neither messages nor arguments are known here. */
export type NamedDefinition = ActorDefinition<unknown, readonly unknown[]>;

/** What a module's `startShard` is given, in each worker thread, each time that it starts. */
export interface ShardStart {
  readonly node: string;
  readonly shard: number;
  readonly shards: number;
  /** What the system was started with for its shards: a copy. */
  readonly settings: unknown;
  spawn<M, A extends readonly unknown[]>(definition: ActorDefinition<M, A>, args: A, options?: SpawnOptions): Ref<M>;
  /** Starts an actor at an address that other threads and nodes know without asking: the same slot on every shard. Slots 2 to 15 are free for this. */
  spawnWellKnown<M, A extends readonly unknown[]>(slot: number, definition: ActorDefinition<M, A>, args: A): Ref<M>;
  /** The actor at that slot of a node's thread, by default this node's and its main thread; whether there is one shows when it is asked. */
  wellKnown<M>(slot: number, node?: string, shard?: number): Ref<M>;
  /** Lets this thread know where another node listens. */
  introduce(address: NodeAddress): void;
  /** Makes an actor of this shard findable under `key`. */
  register<M>(key: ServiceKey<M>, ref: Ref<M>): void;
}

export class DefinitionTable {
  readonly #definitions = new Map<string, NamedDefinition>();
  readonly #starts: ((start: ShardStart) => void)[] = [];

  /** Errors: INVALID_ARGUMENT when two different definitions have one name. */
  add(exports: Readonly<Record<string, unknown>>): void {
    for (const [key, value] of Object.entries(exports)) {
      if (isActorDefinition(value)) this.#define(value);
      else if (key === 'startShard' && typeof value === 'function') this.#starts.push(value as (start: ShardStart) => void);
    }
  }

  /** Errors: NOT_DEFINED, listing what is. */
  get(name: string): NamedDefinition {
    const definition = this.#definitions.get(name);
    if (definition === undefined) {
      const known = [...this.#definitions.keys()].sort().join(', ') || 'none';
      throw new RuntimeError('NOT_DEFINED', `actor ${name}: no module given to the system exports it; known: ${known}`);
    }
    return definition;
  }

  start(start: ShardStart): void {
    for (const run of this.#starts) run(start);
  }

  #define(definition: NamedDefinition): void {
    const known = this.#definitions.get(definition.name);
    if (known !== undefined && known !== definition) throw invalidArgument(`two actor definitions are named ${definition.name}`);
    this.#definitions.set(definition.name, definition);
  }
}

function isActorDefinition(value: unknown): value is NamedDefinition {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'dynactor:actor';
}
