/** One run of clients against a CoordinatorWorld of three nodes, under message loss, delay, repetition, crash and restart; ends calm, and says what the checkers found. */
import { GET, INDETERMINATE, NOT_FOUND, OK, PUT } from '../../../actors/store/store-request.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { decodeNaive, type NaiveRecord, NO_RECORD } from '../version/naive-record.ts';
import { bareVector } from './bare-vector.ts';
import { CoordinatorWorld } from './coordinator-world.ts';
import { StoreHistory } from './store-history.ts';

export interface RunOptions {
  readonly seed: string;
  readonly mutants?: ReadonlySet<string>;
  readonly crashes?: boolean;
  /** Of the keyspace. Default: siblings. */
  readonly conflict?: 'siblings' | 'lww';
}

export interface RunResult {
  readonly faults: readonly string[];
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  readonly siblingsMax: number;
}

const CLIENTS = 4;
const KEYS = 2;
const RUN_MS = 1_200;
const SETTLE_MS = 2_000;

interface Context {
  ids: readonly string[];
  vector: Uint8Array;
}

export function runStore({ seed, mutants = new Set(), crashes = true, conflict = 'siblings' }: RunOptions): RunResult {
  const { ring } = new RingWorld(3, { keyspace: { conflict } });
  const world = new CoordinatorWorld({ ring, seed, loss: 0.15, repeat: 0.1, delayMs: 15, syncMs: 3, mutants });
  const { random } = world;
  const history = new StoreHistory();
  const endMs = world.now + RUN_MS;
  let puts = 0;
  let siblingsMax = 0;

  for (let client = 0; client < CLIENTS; client++) {
    const contexts = new Map<string, Context>();
    const next = (): void => {
      if (world.now >= endMs) return;
      const key = `k${random.below(KEYS)}`;
      const node = world.nodes[random.below(world.nodes.length)]!;
      const calledMs = world.now;
      // A node that crashes answers nobody: the client goes on by itself.
      let isOver = false;
      const over = (): void => {
        if (isOver) return;
        isOver = true;
        world.after(random.float() * 20, next);
      };
      world.after(400, over);
      if (!node.isUp) return over();
      if (random.chance(0.5)) {
        node.ask({ kind: GET, key, timeoutMs: 150 }, ({ status, record }) => {
          if (status === OK || status === NOT_FOUND) {
            const ids = idsOf(record);
            siblingsMax = Math.max(siblingsMax, ids.length);
            history.read({ key, record: naiveOf(record), calledMs, endedMs: world.now });
            contexts.set(key, { ids, vector: bareVector(record) });
          }
          over();
        });
        return;
      }
      const context = random.chance(0.7) ? contexts.get(key) : undefined;
      const id = `${client}.${puts++}`;
      const put = history.write({ id, key, parents: new Set(context?.ids), calledMs });
      node.ask({ kind: PUT, key, value: id, context: context?.vector ?? new Uint8Array(0), timeoutMs: 150 }, ({ status, record }) => {
        if (status === OK) history.acknowledged(put, naiveOf(record), world.now);
        else put.outcome = status === INDETERMINATE ? 'unknown' : 'refused';
        over();
      });
    };
    world.after(random.float() * 20, next);
  }
  if (crashes) {
    for (let i = 0; i < 3; i++) {
      const node = world.nodes[random.below(world.nodes.length)]!;
      const at = random.float() * RUN_MS;
      world.after(at, () => node.isUp && node.crash());
      world.after(at + random.float() * 200, () => !node.isUp && node.restart());
    }
  }
  // Also suspicion, right or wrong, so that some requests are refused.
  for (let i = 0; i < 4; i++) {
    const node = world.nodes[random.below(3)]!;
    const at = random.float() * RUN_MS;
    world.after(at, () => {
      for (const { name } of world.nodes) if (name !== node.name) node.suspects.add(name);
    });
    world.after(at + 60, () => node.suspects.clear());
  }
  world.run(endMs + 500);
  world.isCalm = true;
  for (const node of world.nodes) {
    if (!node.isUp) node.restart();
    node.suspects.clear();
  }
  const finals = new Map<string, NaiveRecord>();
  for (let key = 0; key < KEYS; key++) {
    world.nodes[0]!.ask({ kind: GET, key: `k${key}`, r: 3, timeoutMs: SETTLE_MS }, ({ record }) => finals.set(`k${key}`, naiveOf(record)));
  }
  world.run(world.now + SETTLE_MS);
  history.end(finals);
  const inFlight = world.nodes.reduce((sum, { coordinator }) => sum + coordinator.table.used, 0);
  if (inFlight > 0) history.faults.push(`T35: ${inFlight} requests without an answer`);
  const count = (outcome: string): number => [...history.writes.values()].filter((put) => put.outcome === outcome).length;
  return { faults: history.faults, acknowledged: count('ok'), unknown: count('unknown'), refused: count('refused'), siblingsMax };
}

function idsOf(record: Buffer): string[] {
  return naiveOf(record).siblings.flatMap(({ value }) => (value === undefined ? [] : [value]));
}

function naiveOf(record: Buffer): NaiveRecord {
  return record.length === 0 ? NO_RECORD : decodeNaive(record);
}
