/**
 * One run of clients against a key of a `cp` keyspace on some nodes: reads, and puts and deletes that read first (CONTEXT_READ), under message loss, delay, repetition,
 * crash and restart. A value names its write; a tombstone is known by its dot, and one of a delete that nobody was told of is taken for any such delete.
 */
import { CONTEXT_READ, DELETE, GET, NOT_FOUND, OK, PUT } from '../../../actors/store/store-request.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { decodeNaive, type NaiveSibling } from '../version/naive-record.ts';
import { type Answered, CoordinatorWorld } from './coordinator-world.ts';
import { NOTHING_YET, type RegisterRead, type RegisterWrite } from './register-checker.ts';

export interface RegisterHistory {
  readonly writes: ReadonlyMap<string, RegisterWrite>;
  readonly reads: readonly RegisterRead[];
  readonly deletes: number;
  /** Dots that two writes have, or writes that have two (A7). */
  readonly dotFaults: readonly string[];
}

const CLIENTS = 4;
const KEY = 'k';
const RUN_MS = 1_000;
const UNHEARD = 'unheard';

/** `deleteChance`: of a write to be a delete. `nodes`: with more than three some have no replica, and forward what they are asked to write. */
export interface RegisterRunOptions {
  readonly seed: string;
  readonly nodes?: number;
  readonly deleteChance?: number;
  /** Of a message to be lost. */
  readonly loss?: number;
  /** Default cp. In ap replicas are repaired behind the answer. */
  readonly mode?: 'ap' | 'cp';
  /** Default 4, all of whom write. 1: the others only read. */
  readonly writers?: number;
  readonly crashes?: boolean;
  readonly mutants?: ReadonlySet<string>;
}

export function runRegister({
  seed,
  nodes = 3,
  deleteChance = 0.2,
  loss = 0.08,
  mode = 'cp',
  writers = CLIENTS,
  crashes = true,
  mutants = new Set(),
}: RegisterRunOptions): RegisterHistory {
  const { ring } = new RingWorld(nodes, { keyspace: { mode } });
  const world = new CoordinatorWorld({ ring, seed, loss, repeat: 0.1, delayMs: 15, syncMs: 3, mutants });
  const { random } = world;
  const endMs = world.now + RUN_MS;
  const writes = new Map<string, RegisterWrite>();
  const reads: { readonly begunAt: number; readonly endedAt: number; readonly siblings: readonly NaiveSibling[] }[] = [];
  /** By dot: the delete whose tombstone it is. */
  const tombstones = new Map<string, string>();
  let moment = 0;
  let made = 0;
  let deletes = 0;

  for (let client = 0; client < CLIENTS; client++) {
    const next = (): void => {
      if (world.now >= endMs) return;
      const node = world.nodes[random.below(world.nodes.length)]!;
      // A node that crashes answers nobody: the client goes on by itself, and hears no more of it.
      let isOver = false;
      const over = (): void => {
        if (isOver) return;
        isOver = true;
        world.after(random.float() * 10, next);
      };
      world.after(400, over);
      if (!node.isUp) return over();
      const begunAt = ++moment;
      if (client >= writers || random.chance(0.6)) {
        node.ask({ kind: GET, key: KEY, timeoutMs: 150 }, ({ status, record }) => {
          if (status === OK || status === NOT_FOUND) reads.push({ begunAt, endedAt: ++moment, siblings: siblingsOf(record) });
          over();
        });
        return;
      }
      const isDelete = random.chance(deleteChance);
      const write: RegisterWrite = { id: `${made++}`, begunAt, endedAt: Number.POSITIVE_INFINITY };
      const asked = { key: KEY, context: CONTEXT_READ, timeoutMs: 150 } as const;
      const done = ({ status, record }: Answered): void => {
        if (status === OK) {
          write.endedAt = ++moment;
          // Of all that it had seen it is the newest.
          if (isDelete) tombstones.set(dotOf(newestOf(siblingsOf(record))!), write.id);
        }
        over();
      };
      writes.set(write.id, write);
      if (isDelete) deletes++;
      node.ask(isDelete ? { ...asked, kind: DELETE } : { ...asked, kind: PUT, value: write.id }, done);
    };
    world.after(random.float() * 20, next);
  }
  for (let i = 0; i < (crashes ? 2 : 0); i++) {
    const node = world.nodes[random.below(world.nodes.length)]!;
    const at = random.float() * RUN_MS;
    world.after(at, () => node.isUp && node.crash());
    world.after(at + random.float() * 150, () => !node.isUp && node.restart());
  }
  world.run(endMs + 1_000);

  if (deletes > 0) writes.set(UNHEARD, { id: UNHEARD, begunAt: 0, endedAt: Number.POSITIVE_INFINITY });
  const idOf = (sibling: NaiveSibling): string => (sibling.isTombstone ? (tombstones.get(dotOf(sibling)) ?? UNHEARD) : sibling.value);
  return {
    writes,
    reads: reads.map(({ begunAt, endedAt, siblings }) => {
      const newest = newestOf(siblings);
      return { begunAt, endedAt, ids: siblings.map(idOf), newest: newest === undefined ? NOTHING_YET : idOf(newest) };
    }),
    deletes,
    dotFaults: dotFaults(
      reads.flatMap(({ siblings }) => siblings),
      idOf,
    ),
  };
}

function dotFaults(siblings: readonly NaiveSibling[], idOf: (sibling: NaiveSibling) => string): string[] {
  const faults = new Set<string>();
  const idOfDot = new Map<string, string>();
  const dotOfId = new Map<string, string>();
  for (const sibling of siblings) {
    const [dot, id] = [dotOf(sibling), idOf(sibling)];
    if ((idOfDot.get(dot) ?? id) !== id) faults.add(`dot ${dot} is of ${idOfDot.get(dot)} and of ${id}`);
    if (id !== UNHEARD && (dotOfId.get(id) ?? dot) !== dot) faults.add(`${id} has dots ${dotOfId.get(id)} and ${dot}`);
    idOfDot.set(dot, id);
    dotOfId.set(id, dot);
  }
  return [...faults];
}

function siblingsOf(record: Buffer): readonly NaiveSibling[] {
  return record.length === 0 ? [] : decodeNaive(record).siblings;
}

/** Stamps of TestVnodes are never equal. */
function newestOf(siblings: readonly NaiveSibling[]): NaiveSibling | undefined {
  return siblings.reduce<NaiveSibling | undefined>(
    (newest, it) => (newest !== undefined && newest.stamp > it.stamp ? newest : it),
    undefined,
  );
}

function dotOf({ actor, counter }: NaiveSibling): string {
  return `${actor} ${counter}`;
}
