/**
 * Client: a program's way into a cluster. It knows the ring, and sends each operation straight to the shard of a node that has a replica of the key.
 *
 * ```ts
 * await using client = await connect(['127.0.0.1:7100']);
 * const users = client.keyspace('users', { value: json<User>() });
 * await users.put('ada', { name: 'Ada' });
 * ```
 */
import { strangeSetting } from '../ring/keyspace-defaults.ts';
import { KEYSPACE_NAME } from '../ring/limits.ts';
import { compareVersions, type RingVersion } from '../ring/ring-state.ts';
import type { ClientDesk } from './client-desk.ts';
import { invalid } from './client-error.ts';
import { KEYSPACE_OPTIONS, Keyspace, type KeyspaceOptions } from './keyspace.ts';
import { type AdminDoor, KeyspaceAdmin } from './keyspace-admin.ts';
import type { Listeners } from './listeners.ts';
import type { RingMap } from './ring-map.ts';
import { type Topology, topologyOf } from './topology.ts';

export interface ClientEvents {
  /** The ring has changed: nodes, owners of partitions, or keyspaces. */
  readonly topology: Topology;
  /** None of the nodes known can be reached; it goes on trying, by the seeds too. */
  readonly lost: undefined;
}

export interface ClientParts {
  readonly desk: ClientDesk;
  readonly listeners: Listeners<ClientEvents>;
  readonly admin: Omit<AdminDoor, 'keyspaces' | 'untilRing'>;
  /** Has the ring fetched now. */
  readonly refresh: () => void;
  readonly stop: (drainMs: number) => Promise<void>;
  readonly timeoutMs: number;
}

export interface CloseOptions {
  /** How long what is under way may take; then it fails as CLOSED. Default 2,000. */
  readonly drainMs?: number;
}

const DRAIN_MS = 2_000;
const DRAIN_STEP_MS = 5;
const REFRESH_MS = 50;

export class Client {
  readonly keyspaces: KeyspaceAdmin;
  readonly #parts: ClientParts;
  #closing: Promise<void> | null = null;

  /** By `connect`. */
  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.keyspaces = new KeyspaceAdmin({
      ...parts.admin,
      keyspaces: () => this.#map.ring.keyspaces,
      untilRing: (version, timeoutMs) => this.#untilRing(version, timeoutMs),
    });
  }

  /** Of the ring in use. */
  get topology(): Topology {
    return topologyOf(this.#map.ring);
  }

  /** Operations that are not over. */
  get pending(): number {
    return this.#parts.desk.size;
  }

  /** Asks nobody: that there is no such keyspace is found out by the first operation. Errors: INVALID_ARGUMENT, thrown. */
  keyspace<K = string, V = string>(name: string, options: KeyspaceOptions<K, V> = {}): Keyspace<K, V> {
    if (!KEYSPACE_NAME.test(name)) throw invalid(`keyspace: expected 1 to 64 of [A-Za-z0-9_-], got ${JSON.stringify(name)}`);
    const strange = strangeSetting(options, KEYSPACE_OPTIONS);
    if (strange !== undefined) throw invalid(`options of keyspace ${name}: ${strange}`);
    return new Keyspace(this.#parts.desk, name, options, this.#parts.timeoutMs);
  }

  /** Returns how to end it. `listener` must not throw. */
  on<E extends keyof ClientEvents>(event: E, listener: (about: ClientEvents[E]) => void): () => void {
    return this.#parts.listeners.add(event, listener);
  }

  /** Idempotent. Resolves when nothing of the client is left. */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options.drainMs ?? DRAIN_MS);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A client is made once it has a ring. */
  get #map(): RingMap {
    const { map } = this.#parts.desk;
    if (map === null) throw invalid('this client has no ring');
    return map;
  }

  async #close(drainMs: number): Promise<void> {
    const { desk, stop } = this.#parts;
    desk.close();
    for (const end = Date.now() + drainMs; desk.size > 0 && Date.now() < end; ) await pause(DRAIN_STEP_MS);
    await stop(drainMs);
  }

  async #untilRing(version: RingVersion, timeoutMs: number): Promise<void> {
    for (const end = Date.now() + timeoutMs; compareVersions(this.#map.ring, version) < 0 && Date.now() < end; ) {
      this.#parts.refresh();
      await pause(REFRESH_MS);
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
