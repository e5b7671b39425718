/**
 * One run of clients against a key of a `cp` keyspace on some nodes: reads, and puts and deletes that read first (CONTEXT_READ), under message loss, delay, repetition,
 * crash and restart.
 */
import { CONTEXT_READ, DELETE, GET, NOT_FOUND, OK, PUT } from '../../../actors/store/store-request.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { decodeNaive, type NaiveSibling } from '../version/naive-record.ts';
import { type Answered, CoordinatorWorld } from './coordinator-world.ts';
import { RegisterHistory } from './register-history.ts';

const CLIENTS = 4;
const KEY = 'k';
const RUN_MS = 1_000;

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
  /** Until what a replica has is on its disk, at most. Default 3: crashes hardly ever take back what was read. */
  readonly syncMs?: number;
  /** Requests of a node at once. With few, slots are soon used again, and late answers find others in them. Default 64. */
  readonly capacity?: number;
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
  syncMs = 3,
  capacity = 64,
  mutants = new Set(),
}: RegisterRunOptions): RegisterHistory {
  const { ring } = new RingWorld(nodes, { keyspace: { mode } });
  const world = new CoordinatorWorld({ ring, seed, loss, repeat: 0.1, delayMs: 15, syncMs, capacity, mutants });
  const { random } = world;
  const endMs = world.now + RUN_MS;
  const history = new RegisterHistory();
  let made = 0;

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
      if (client >= writers || random.chance(0.6)) {
        const begunAt = history.begin();
        node.ask({ kind: GET, key: KEY, timeoutMs: 150 }, ({ status, record }) => {
          if (status === OK || status === NOT_FOUND) history.read(begunAt, siblingsOf(record));
          over();
        });
        return;
      }
      const isDelete = random.chance(deleteChance);
      const write = history.write(`${made++}`, isDelete);
      const asked = { key: KEY, context: CONTEXT_READ, timeoutMs: 150 } as const;
      const done = ({ status, record }: Answered): void => {
        if (status === OK) history.acknowledged(write, isDelete, siblingsOf(record));
        over();
      };
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

  return history;
}

function siblingsOf(record: Buffer): readonly NaiveSibling[] {
  return record.length === 0 ? [] : decodeNaive(record).siblings;
}
