/**
 * RecordClient: the client library, but answering with whole records, as nodes send them: with dots, tombstones and vectors, which the checkers go by and programs do not see. Everything
 * below the promise is the library's own: which node it asks, when it asks again, and what it takes for undone.
 */
import { type CallFields, startCall } from '../../actors/client/call.ts';
import type { ClientParts } from '../../actors/client/client.ts';
import { ClientError } from '../../actors/client/client-error.ts';
import { completeTuning } from '../../actors/client/options.ts';
import { startParts, untilReady } from '../../actors/client/start-parts.ts';
import { RING_SLOT } from '../../actors/membership/cluster-door.ts';
import { askSeeds } from '../../actors/node/seeds.ts';
import { COORDINATOR_SLOT, SCAN_SLOT } from '../../actors/store/data-frames.ts';
import type { RequestKind } from '../../actors/store/store-request.ts';
import { ActorSystem } from '../../runtime/system.ts';

export interface Asked {
  readonly kind: RequestKind;
  readonly keyspace: string;
  readonly key: string;
  readonly value?: string;
  /** A bare version vector. */
  readonly context?: Uint8Array | undefined;
  /** R, or W. */
  readonly replicas?: number | undefined;
}

/** `outcome`: as one may take it for when it is over. `bytes`: of the record; empty: there is none. */
export type Told = { readonly outcome: 'ok'; readonly bytes: Buffer } | { readonly outcome: 'refused' | 'unknown'; readonly code: string };

const READY_MS = 10_000;

export class RecordClient {
  readonly #parts: ClientParts;
  readonly #timeoutMs: number;

  /** `seeds`: host:port. */
  static async connect(seeds: readonly string[], timeoutMs: number): Promise<RecordClient> {
    const asked = seeds.map((seed) => ({ host: seed.split(':')[0]!, port: Number(seed.split(':')[1]) }));
    const { seeds: found, failures } = await askSeeds(asked, '');
    const [first] = found;
    if (first === undefined) throw new Error(`no seed answers: ${failures.join('; ')}`);
    const tuning = completeTuning();
    const system = await ActorSystem.start({
      ...{ node: `client.${process.pid}`, cluster: first.cluster, logLevel: 'silent' as const },
      wire: { unreachableMs: tuning.unreachableMs, backoff: { minMs: 50, maxMs: 1_000, factor: 2, jitterRatio: 0.5 } },
    });
    const { parts } = startParts(system, {
      ...{ seeds: found.map(({ address }) => address), dataCenter: undefined, tuning, timeoutMs },
      door: {
        ring: (node) => system.wellKnown(RING_SLOT, node),
        coordinator: (node, shard) => system.wellKnown(COORDINATOR_SLOT, node, shard),
        scans: (node, shard) => system.wellKnown(SCAN_SLOT, node, shard),
        introduce: (address) => void system.introduce(address).catch(() => undefined),
      },
      lost: () => undefined,
      stop: (drainMs) => system.stop({ drainMs }),
    });
    await untilReady(parts, undefined, Date.now() + READY_MS, 'no node gives a ring');
    return new RecordClient(parts, timeoutMs);
  }

  private constructor(parts: ClientParts, timeoutMs: number) {
    this.#parts = parts;
    this.#timeoutMs = timeoutMs;
  }

  ask({ kind, keyspace, key, value, context, replicas }: Asked): Promise<Told> {
    return new Promise((resolve) => {
      const fields: CallFields<Told> = {
        ...{ kind, keyspace, key: Buffer.from(key), context, replicas, timeoutMs: this.#timeoutMs },
        value: value === undefined ? undefined : Buffer.from(value),
        read: ({ record }) => ({
          outcome: 'ok',
          bytes: Buffer.from(record.bytes.slice(record.start, record.end)),
        }),
      };
      startCall(this.#parts.desk, fields, resolve, (error) => {
        if (!(error instanceof ClientError)) throw error;
        resolve({ outcome: error.mayBeDone ? 'unknown' : 'refused', code: error.code });
      });
    });
  }

  async close(): Promise<void> {
    this.#parts.desk.close();
    await this.#parts.stop(0);
  }
}
