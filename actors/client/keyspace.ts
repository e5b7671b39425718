/** Keyspace: the typed way to the keys of one keyspace. An object of the program; any number may be made of one keyspace, with codecs and defaults of their own. */
import { errorMessage } from '../../runtime/errors.ts';
import type { ReplicaCount } from '../ring/ring-state.ts';
import type { StoreAnswer } from '../store/store-request.ts';
import { DELETE, GET, PUT } from '../store/store-request.ts';
import { type CallFields, startCall } from './call.ts';
import type { ClientDesk } from './client-desk.ts';
import { invalid } from './client-error.ts';
import { type Codec, utf8 } from './codecs.ts';
import { type Context, contextOf, vectorOf } from './context-text.ts';
import { type Found, type Sibling, siblingsOf } from './found.ts';
import { type ScanEntry, type ScanOptions, scanKeyspace } from './keyspace-scan.ts';
import { forMany, type Outcome } from './many.ts';
import type { Operation } from './operation.ts';
import {
  checkDurability,
  checkMonotonic,
  checkReplicas,
  type Durability,
  type ReadOptions,
  timeoutOf,
  type WriteOptions,
  whole,
} from './options.ts';

/** Makes one value of several siblings, newest first; there are two or more. It must be the same whatever client makes it, or clients will undo each other's work. */
export type Resolver<V> = (siblings: readonly Sibling<V>[]) => V;

export interface KeyspaceOptions<K, V> {
  /** Default: `utf8`. */
  readonly key?: Codec<K>;
  readonly value?: Codec<V>;
  /**
   * `'newest'` (default): reads answer the newest sibling by the clocks of the nodes, and leave the others where they are. A function: what it makes of the siblings is
   * answered, and written back with their context behind the reader's back; that this failed is only counted.
   */
  readonly resolve?: 'newest' | Resolver<V>;
  readonly r?: ReplicaCount;
  readonly w?: ReplicaCount;
  readonly pr?: ReplicaCount;
  readonly pw?: ReplicaCount;
  readonly monotonic?: boolean;
  readonly durability?: Durability;
  readonly timeoutMs?: number;
}

/** Their names. */
export const KEYSPACE_OPTIONS: readonly string[] = Object.keys({
  ...{ key: 0, value: 0, resolve: 0, r: 0, w: 0, pr: 0, pw: 0, monotonic: 0, durability: 0, timeoutMs: 0 },
} satisfies Record<keyof KeyspaceOptions<unknown, unknown>, 0>);

export interface PutOptions extends WriteOptions {
  /** Of the read that this write follows from: it takes the place of what was found there. Without one the value becomes a sibling of what is there. */
  readonly context?: Context | undefined;
  /** Milliseconds until it is gone; 0: never. Default: as the keyspace says. */
  readonly ttlMs?: number;
}

export interface DeleteOptions extends WriteOptions {
  readonly context?: Context | undefined;
}

/** A write that is done. */
export interface Written {
  /** Replicas that have confirmed it, how many had to, and how many of them are primaries: the others stand in for one. */
  readonly received: number;
  readonly needed: number;
  readonly primaries: number;
}

const TTL_MAX_MS = 100 * 365 * 24 * 3_600_000;

export class Keyspace<K = string, V = string> {
  readonly name: string;
  readonly #desk: ClientDesk;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;
  readonly #resolve: 'newest' | Resolver<V>;
  readonly #options: KeyspaceOptions<K, V>;
  readonly #timeoutMs: number;
  /** Resolved values that could not be written back. */
  writeBacksFailed = 0;

  /** By `Client.keyspace`. Errors: INVALID_ARGUMENT, thrown. */
  constructor(desk: ClientDesk, name: string, options: KeyspaceOptions<K, V>, timeoutMs: number) {
    this.#desk = desk;
    this.name = name;
    this.#key = options.key ?? (utf8 as unknown as Codec<K>);
    this.#value = options.value ?? (utf8 as unknown as Codec<V>);
    this.#resolve = options.resolve ?? 'newest';
    this.#options = options;
    this.#timeoutMs = timeoutOf(options.timeoutMs, timeoutMs);
    for (const name of ['r', 'w', 'pr', 'pw'] as const) checkReplicas(name, options[name]);
    checkMonotonic(options.monotonic);
    checkDurability(options.durability);
    if (this.#resolve !== 'newest' && typeof this.#resolve !== 'function')
      throw invalid(`resolve: expected 'newest' or a function, got ${String(options.resolve)}`);
  }

  /** The value, or undefined where there is none. Errors: ClientError. */
  get(key: K, options: ReadOptions = NONE): Promise<V | undefined> {
    return this.#read(key, options, this.#readValue);
  }

  /** The value with all its siblings, and the context for a write that follows from it: also where there is no value. */
  getWithContext(key: K, options: ReadOptions = NONE): Promise<Found<V>> {
    return this.#read(key, options, this.#readFound);
  }

  has(key: K, options: ReadOptions = NONE): Promise<boolean> {
    return this.#read(key, options, readHas);
  }

  put(key: K, value: V, options: PutOptions = NONE): Promise<Written> {
    return this.#write(PUT, key, value, options);
  }

  delete(key: K, options: DeleteOptions = NONE): Promise<Written> {
    return this.#write(DELETE, key, undefined, options);
  }

  /** Reads, and writes what `change` makes of the value, with the context of the read. Not atomic: of two at once both may be done, as siblings. Returns the new value. */
  async update(key: K, change: (value: V | undefined) => V, options: Omit<PutOptions, 'context'> & ReadOptions = NONE): Promise<V> {
    const { value, context } = await this.getWithContext(key, options);
    const changed = change(value);
    await this.put(key, changed, { ...options, context });
    return changed;
  }

  /** One outcome per key, in order; it rejects for none of them. */
  getMany(keys: readonly K[], options: ReadOptions = NONE): Promise<readonly Outcome<V | undefined>[]> {
    return forMany(keys, (key) => this.get(key, options));
  }

  /** One outcome per entry, in order; not atomic, and two entries of one key become siblings. */
  putMany(
    entries: readonly (readonly [key: K, value: V])[],
    options: Omit<PutOptions, 'context'> = NONE,
  ): Promise<readonly Outcome<Written>[]> {
    return forMany(entries, ([key, value]) => this.put(key, value, options));
  }

  deleteMany(keys: readonly K[], options: Omit<DeleteOptions, 'context'> = NONE): Promise<readonly Outcome<Written>[]> {
    return forMany(keys, (key) => this.delete(key, options));
  }

  /**
   * All keys that are there, with their values, in the order of their tokens: each that is there from the first step to the last comes once; what comes or goes meanwhile comes or not.
   * Of siblings, `resolve` makes the value, and nothing is written back. Pages are fetched as they are needed; one value that can't be decoded ends it.
   */
  scan(options: ScanOptions = NONE): AsyncGenerator<ScanEntry<K, V>, void, undefined> {
    const resolve = this.#resolve;
    const scan = {
      desk: this.#desk,
      keyspace: this.name,
      key: this.#key,
      value: this.#value,
      resolve: (siblings: readonly Sibling<V>[]) =>
        siblings.length === 1 || resolve === 'newest' ? siblings[0]!.value : resolve(siblings),
      replicas: checkReplicas('r', options.r) ?? this.#options.r,
      timeoutMs: timeoutOf(options.timeoutMs, this.#timeoutMs),
    };
    return scanKeyspace(scan, options);
  }

  #read<T>(key: K, options: ReadOptions, read: (answer: StoreAnswer, call: Operation) => T): Promise<T> {
    // What is thrown in here rejects the promise.
    return new Promise((resolve, reject) => {
      const fields: CallFields<T> = {
        kind: GET,
        keyspace: this.name,
        key: this.#encode('key', this.#key, key),
        replicas: checkReplicas('r', options.r) ?? this.#options.r,
        primaries: checkReplicas('pr', options.pr) ?? this.#options.pr,
        isMonotonic: checkMonotonic(options.monotonic) ?? this.#options.monotonic,
        timeoutMs: timeoutOf(options.timeoutMs, this.#timeoutMs),
        signal: options.signal,
        read,
      };
      startCall(this.#desk, fields, resolve, reject);
    });
  }

  /** `value`: of a put. */
  #write(kind: typeof PUT | typeof DELETE, key: K, value: V | undefined, options: PutOptions): Promise<Written> {
    return new Promise((resolve, reject) => {
      const encoded = this.#encode('key', this.#key, key);
      const fields: CallFields<Written> = {
        kind,
        keyspace: this.name,
        key: encoded,
        value: kind === PUT ? this.#encode('value', this.#value, value as V) : undefined,
        context: options.context === undefined ? undefined : vectorOf(options.context, this.name, encoded),
        replicas: checkReplicas('w', options.w) ?? this.#options.w,
        primaries: checkReplicas('pw', options.pw) ?? this.#options.pw,
        durability: checkDurability(options.durability) ?? this.#options.durability,
        ttlMs: options.ttlMs === undefined ? undefined : whole('ttlMs', options.ttlMs, 0, TTL_MAX_MS),
        timeoutMs: timeoutOf(options.timeoutMs, this.#timeoutMs),
        signal: options.signal,
        read: readWritten,
      };
      startCall(this.#desk, fields, resolve, reject);
    });
  }

  #encode<T>(what: string, codec: Codec<T>, value: T): Uint8Array {
    try {
      return codec.encode(value);
    } catch (cause) {
      throw invalid(`${what} of keyspace ${this.name}, ${codec.name}: ${errorMessage(cause)}`, cause);
    }
  }

  readonly #readValue = (answer: StoreAnswer, call: Operation): V | undefined => {
    const siblings = siblingsOf(answer.record, this.#value, Date.now());
    return siblings.length > 1 ? this.#resolved(siblings, answer, call) : siblings[0]?.value;
  };

  readonly #readFound = (answer: StoreAnswer, call: Operation): Found<V> => {
    const siblings = siblingsOf(answer.record, this.#value, Date.now());
    return {
      value: siblings.length > 1 ? this.#resolved(siblings, answer, call) : siblings[0]?.value,
      siblings,
      context: contextOf(answer.record, this.name, call.key),
    };
  };

  #resolved(siblings: readonly Sibling<V>[], { record }: StoreAnswer, { key }: Operation): V {
    if (this.#resolve === 'newest') return siblings[0]!.value;
    const value = this.#resolve(siblings);
    this.#writeBack(key, value, contextOf(record, this.name, key));
    return value;
  }

  #writeBack(key: Uint8Array, value: V, context: Context): void {
    const { w: replicas, pw: primaries, durability } = this.#options;
    const written = new Promise<Written>((resolve, reject) => {
      const fields: CallFields<Written> = {
        ...{ kind: PUT, keyspace: this.name, key, timeoutMs: this.#timeoutMs, replicas, primaries, durability, read: readWritten },
        value: this.#encode('value', this.#value, value),
        context: vectorOf(context, this.name, key),
      };
      startCall(this.#desk, fields, resolve, reject);
    });
    written.catch(() => {
      // Whoever reads next tries again.
      this.writeBacksFailed++;
    });
  }
}

const NONE = {};

function readHas({ record }: StoreAnswer): boolean {
  return siblingsOf(record, COUNTED, Date.now()).length > 0;
}

function readWritten({ received, needed, primaries }: StoreAnswer): Written {
  return { received, needed, primaries };
}

/** Of values that are only counted. */
const COUNTED: Codec<undefined> = { name: 'nothing', keepsBytes: false, encode: () => new Uint8Array(0), decode: () => undefined };
