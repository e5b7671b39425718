/**
 * PartitionRun: five machines, of which two are cut off from the other three for a while, with a keyspace of each mode (N = 3, R = W = 2). What each side is told before, meanwhile and
 * after, key by key: no faults but that, and nothing is left to chance but what the seed says.
 */
import { Hasher } from '../../../actors/ring/token.ts';
import { type AnswerStatus, CONTEXT_NONE, CONTEXT_READ, GET, LAST_STATUS, PUT, StoreRequest } from '../../../actors/store/store-request.ts';
import type { ActItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { decodeNaive } from '../version/naive-record.ts';
import type { Gateway } from './cluster-clients.ts';
import { builtOf, ClusterRun, keyspaceOf } from './cluster-workload.ts';

export type Mode = 'ap' | 'cp';

export interface Told {
  readonly status: AnswerStatus;
  readonly needed: number;
  readonly received: number;
  /** In order. */
  readonly values: readonly string[];
  /** Of the record. */
  readonly bytes: Buffer;
}

/** Nobody has answered. */
const UNANSWERED: Told = { status: LAST_STATUS + 1, needed: 0, received: 0, values: [], bytes: Buffer.alloc(0) };

const MACHINES: readonly string[] = ['m0', 'm1', 'm2', 'm3', 'm4'];
/** So few that no quorum of anything is there. */
export const MINORITY: readonly string[] = MACHINES.slice(3);
export const MAJORITY: readonly string[] = MACHINES.slice(0, 3);
const REPLICAS = 3;
const TIMEOUT_MS = 500;
/** The cluster has formed; both sides know of the cut; stand-ins have handed back what they held. */
const CUT_MS = 4_000;
const CUT_FOR_MS = 6_000;
const KNOWN_MS = 7_000;
export const HEALED_MS = 15_000;

export class PartitionRun {
  readonly #cluster: PartitionedCluster;
  readonly #hasher = new Hasher();

  /** Requires: planted bugs that the product knows. */
  constructor(seed: number, mutants: readonly string[] = []) {
    const acts = [1_500, 2_000, 2_500].map((atMs, draw) => ({ kind: 'act', atMs, node: 'm0', action: 'setUp', draw }) as const);
    const cut = { kind: 'cut', atMs: CUT_MS, from: MINORITY, to: MAJORITY, forMs: CUT_FOR_MS, oneWay: false } as const;
    const run: RunPlan = {
      ...{ seed, stopMs: HEALED_MS, plan: [...acts, cut] },
      settings: { nodes: MACHINES.map((name) => ({ name, shards: 1 })), ...(mutants.length === 0 ? {} : { mutants }) },
    };
    this.#cluster = builtOf(run, new PartitionedCluster(run, {}, { capacity: 256 })).cluster;
  }

  /** Until just before the cut. */
  toCut(): void {
    this.#runTo(CUT_MS - 700);
  }

  /** Until each side knows that it is alone. */
  toKnown(): void {
    this.#runTo(KNOWN_MS);
  }

  /** Until all has been well for long. */
  toHealed(): void {
    this.#runTo(HEALED_MS);
  }

  /** Of the key, among these machines. */
  primaries(mode: Mode, key: string, among: readonly string[]): readonly string[] {
    this.#hasher.hash(Buffer.from(key));
    return among.filter((name) => {
      const gateway = this.#gateway(name);
      return gateway.isPrimary(keyspaceAt(gateway, mode), this.#hasher.high);
    });
  }

  /** Each key at one machine of `side`, all at once. In `cp` writes read first. `value`: undefined: it is read. */
  ask(mode: Mode, keys: readonly string[], side: readonly string[], value?: string): ReadonlyMap<string, Told> {
    const told = new Map(keys.map((key) => [key, UNANSWERED]));
    for (const [index, key] of keys.entries()) this.#begin(this.#gateway(side[index % side.length]!), mode, key, told, { value });
    this.#runTo(this.#cluster.simulation.now + TIMEOUT_MS + 100);
    return told;
  }

  /** What the machine itself has. */
  held(mode: Mode, keys: readonly string[], name: string): ReadonlyMap<string, Told> {
    const told = new Map(keys.map((key) => [key, UNANSWERED]));
    for (const key of keys) this.#begin(this.#gateway(name), mode, key, told, { isLocal: true });
    this.#runTo(this.#cluster.simulation.now + TIMEOUT_MS + 100);
    return told;
  }

  #begin(
    gateway: Gateway,
    mode: Mode,
    key: string,
    all: Map<string, Told>,
    { value, isLocal = false }: { readonly value?: string | undefined; readonly isLocal?: boolean },
  ): void {
    const request = new StoreRequest();
    request.kind = value === undefined ? GET : PUT;
    request.keyspace = keyspaceAt(gateway, mode);
    request.key = Buffer.from(key);
    request.keyEnd = request.key.length;
    request.value = Buffer.from(value ?? '');
    request.valueEnd = request.value.length;
    request.contextKind = mode === 'cp' && value !== undefined ? CONTEXT_READ : CONTEXT_NONE;
    request.isLocal = isLocal;
    request.deadlineMs = gateway.nowMs + TIMEOUT_MS;
    request.sink = {
      answered: (_token, { status, needed, received, record }) => {
        const bytes = Buffer.from(record.bytes.subarray(record.start, record.end));
        const siblings = bytes.length === 0 ? [] : decodeNaive(bytes).siblings;
        all.set(key, { status, needed, received, values: siblings.map((it) => it.value).sort(), bytes });
      },
    };
    gateway.begin(request);
  }

  #gateway(name: string): Gateway {
    const gateway = this.#cluster.gatewayOf(name);
    if (gateway === undefined) throw new Error(`${name} does not serve`);
    return gateway;
  }

  #runTo(ms: number): void {
    this.#cluster.simulation.run(ms);
    this.#cluster.simulation.throwIfFailed();
  }
}

class PartitionedCluster extends ClusterRun {
  override act(item: ActItem): void {
    const node = this.simulation.node(item.node);
    for (const mode of ['ap', 'cp'] as const)
      this.proposeAt(node, { type: 'createKeyspace', keyspace: keyspaceOf(mode, mode, REPLICAS) }, `${mode} ${item.draw}`);
  }

  gatewayOf(name: string): Gateway | undefined {
    return this.gatewayAt(this.simulation.node(name), 0);
  }
}

function keyspaceAt({ keyspaces }: Gateway, mode: Mode) {
  const keyspace = keyspaces.find(({ name }) => name === mode);
  if (keyspace === undefined) throw new Error(`no keyspace ${mode} yet`);
  return keyspace;
}
