import test from 'ava';
import { PreferenceLists } from '../../../actors/ring/preference-list.ts';
import { Hasher } from '../../../actors/ring/token.ts';
import {
  CONTEXT_LOCAL,
  GET,
  INDETERMINATE,
  NOT_FOUND,
  OK,
  OVERLOADED,
  PUT,
  QUORUM_NOT_MET,
  STORAGE_FAILED,
} from '../../../actors/store/store-request.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { decodeNaive } from '../version/naive-record.ts';
import { type Answered, type Asked, type CoordinatorNode, CoordinatorWorld, type WorldOptions } from './coordinator-world.ts';

const KEY = 'k';
type Nodes = readonly [CoordinatorNode, CoordinatorNode, CoordinatorNode];
type Others = readonly [CoordinatorNode, CoordinatorNode];

/** Five nodes: primaries and stand-ins of the key, in the order of its preference list. */
class Cluster {
  readonly world: CoordinatorWorld;
  readonly primaries: Nodes;
  readonly others: Others;

  constructor(mode: 'ap' | 'cp' = 'ap', options: Partial<WorldOptions> = {}) {
    const { ring } = new RingWorld(5, { keyspace: { mode } });
    this.world = new CoordinatorWorld({ ring, ...options });
    const hasher = new Hasher();
    hasher.hash(Buffer.from(KEY));
    const lists = new PreferenceLists(ring);
    const { members, stride } = lists.of(3).read;
    const at = lists.partitionOf(hasher.high) * stride;
    const nodes = [...members.subarray(at, at + stride)].map((member) => {
      const { node } = ring.members[member]!.address;
      return this.world.nodes.find(({ name }) => name === node)!;
    });
    this.primaries = nodes.slice(0, 3) as unknown as Nodes;
    this.others = nodes.slice(3) as unknown as Others;
  }

  /** They are down, and all others know it. */
  kill(...nodes: readonly CoordinatorNode[]): void {
    for (const node of nodes) {
      node.crash();
      for (const other of this.world.nodes) if (other !== node) other.suspects.add(node.name);
    }
  }

  ask(node: CoordinatorNode, asked: Partial<Asked> & Pick<Asked, 'kind'>): Answered {
    let got: Answered | undefined;
    node.ask({ key: KEY, ...asked }, (answer) => {
      got = answer;
    });
    for (let i = 0; i < 2_000 && got === undefined; i++) this.world.run(this.world.now + 1);
    this.world.run(this.world.now + 20);
    return got!;
  }
}

function values(record: Buffer): readonly (string | undefined)[] {
  if (record.length === 0) return [];
  return decodeNaive(record)
    .siblings.map(({ value }) => value)
    .sort();
}

test('stand-ins: the next in the list takes the write of a primary that is down, and counts as what it is [A4 T14]', (t) => {
  const cluster = new Cluster();
  const [a, b, c] = cluster.primaries;
  const [d] = cluster.others;
  cluster.kill(b, c);
  const put = cluster.ask(a, { kind: PUT, value: 'one', w: 3 });
  t.deepEqual([put.status, put.received, put.primaries], [OK, 3, 1]);
  t.true(a.sent.includes(`merge ${d.name} for ${b.name}`));
  t.deepEqual(put.replied, [a, ...cluster.others].map(({ name }) => name).sort());
  t.deepEqual(values(d.held(KEY)), ['one']);
  t.deepEqual(values(d.replica(KEY).vnode.record), []);
});

test('stand-ins: a strict keyspace has none, and says that its quorum is not met', (t) => {
  const cluster = new Cluster('cp');
  const [a, b, c] = cluster.primaries;
  cluster.kill(b, c);
  t.is(cluster.ask(a, { kind: PUT, value: 'one', context: CONTEXT_LOCAL }).status, QUORUM_NOT_MET);
  t.is(cluster.ask(a, { kind: GET, timeoutMs: 300 }).status === OK, false);
  t.false([...a.sent, ...cluster.others[0].sent].some((what) => what.includes(' for ') || what.includes('stand-in')));
});

test('stand-ins: the planted bug sloppyInCp counts them in a strict keyspace', (t) => {
  const cluster = new Cluster('cp', { mutants: new Set(['sloppyInCp']) });
  const [a, b, c] = cluster.primaries;
  cluster.kill(b, c);
  const put = cluster.ask(a, { kind: PUT, value: 'one', context: CONTEXT_LOCAL });
  t.deepEqual([put.status, put.received, put.primaries], [OK, 2, 1]);
});

test('stand-ins: each counts once, however many it could stand in for [T27]', (t) => {
  const put = (mutants: readonly string[]): readonly number[] => {
    const cluster = new Cluster('ap', { mutants: new Set(mutants) });
    const [a, b, c] = cluster.primaries;
    cluster.kill(b, c, cluster.others[1]);
    const { status } = cluster.ask(a, { kind: PUT, value: 'one', w: 3 });
    return [status, a.sent.filter((what) => what.startsWith('merge') && what.includes(' for ')).length];
  };
  t.deepEqual(put([]), [QUORUM_NOT_MET, 0]);
  t.deepEqual(put(['standInCountedTwice']), [OK, 2]);
});

test('stand-ins: where none is left the coordinator holds the write itself, and that counts for nothing', (t) => {
  const world = new CoordinatorWorld({ ring: new RingWorld(3).ring });
  const [a, b, c] = world.nodes as unknown as Nodes;
  c.crash();
  for (const node of [a, b]) node.suspects.add(c.name);
  const answers: Answered[] = [];
  a.ask({ kind: PUT, key: KEY, value: 'one' }, (answer) => answers.push(answer));
  a.ask({ kind: PUT, key: KEY, value: 'one', w: 3 }, (answer) => answers.push(answer));
  world.run(world.now + 100);
  t.deepEqual(
    answers.map(({ status, received }) => [status, received]),
    [
      [QUORUM_NOT_MET, 0],
      [OK, 2],
    ],
  );
  t.deepEqual(a.kept, [c.name]);
});

test('stand-ins: where none is left the coordinator holds the write for one whose disk fails, though it is there', (t) => {
  const world = new CoordinatorWorld({ ring: new RingWorld(3).ring });
  const [a, , c] = world.nodes as unknown as Nodes;
  c.status = STORAGE_FAILED;
  let got: Answered | undefined;
  a.ask({ kind: PUT, key: KEY, value: 'one', w: 3 }, (answer) => {
    got = answer;
  });
  world.run(world.now + 100);
  t.deepEqual([got?.status, a.kept], [INDETERMINATE, [c.name]]);
});

test('stand-ins: a primary that says nothing, and is not known to be down, gets one when the write is sent again', (t) => {
  const cluster = new Cluster();
  const [a, b, c] = cluster.primaries;
  b.crash();
  c.crash();
  const put = cluster.ask(a, { kind: PUT, value: 'one' });
  t.deepEqual([put.status, put.primaries], [OK, 1]);
  t.true(a.sent.some((what) => what.endsWith(` for ${b.name}`)));
});

test('stand-ins: one whose disk fails, or that takes no more hints, is followed by the next, and not asked again', (t) => {
  for (const status of [STORAGE_FAILED, OVERLOADED]) {
    const cluster = new Cluster();
    const [a, b, c] = cluster.primaries;
    cluster.kill(b);
    c.status = STORAGE_FAILED;
    cluster.others[0].status = status;
    const put = cluster.ask(a, { kind: PUT, value: 'one' });
    t.deepEqual([put.status, put.received, put.primaries], [OK, 2, 1]);
    t.is(a.sent.filter((it) => it === `merge ${cluster.others[0].name} for ${b.name}`).length, 1);
  }
});

test('stand-ins: a read finds what they hold, beside the one primary that is left', (t) => {
  const cluster = new Cluster();
  const [a, b, c] = cluster.primaries;
  cluster.ask(a, { kind: PUT, value: 'old', w: 3 });
  cluster.kill(b, c);
  t.is(cluster.ask(a, { kind: PUT, value: 'new', context: CONTEXT_LOCAL }).status, OK);
  const got = cluster.ask(cluster.others[1], { kind: GET });
  t.deepEqual([got.status, values(got.record)], [OK, ['new']]);
  a.crash();
  a.restart();
  t.deepEqual(values(cluster.ask(a, { kind: GET }).record), ['new']);
});

test('stand-ins: enough primaries are asked alone, as they say more', (t) => {
  const cluster = new Cluster();
  const [a, b, c] = cluster.primaries;
  cluster.kill(c);
  a.sent.length = 0;
  const got = cluster.ask(a, { kind: GET });
  t.deepEqual([got.status, got.primaries], [NOT_FOUND, 2]);
  t.deepEqual(a.sent, [`read ${a.name}`, `read ${b.name} digest`]);
});

test('stand-ins: that they hold nothing is no not found, when no primary can be reached [T15]', (t) => {
  const cluster = new Cluster();
  const [d] = cluster.others;
  cluster.ask(cluster.primaries[0], { kind: PUT, value: 'one', w: 3 });
  cluster.kill(...cluster.primaries);
  t.not(cluster.ask(d, { kind: GET, timeoutMs: 300 }).status, NOT_FOUND);
});

test('stand-ins: nothing there is not found, beside a primary that has nothing either', (t) => {
  const cluster = new Cluster();
  const [a, b, c] = cluster.primaries;
  cluster.kill(b, c);
  const got = cluster.ask(a, { kind: GET });
  t.deepEqual([got.status, got.received, got.primaries], [NOT_FOUND, 2, 1]);
});

test('stand-ins: a monotonic read is of primaries alone', (t) => {
  const cluster = new Cluster();
  const [a, b, c] = cluster.primaries;
  cluster.kill(b, c);
  t.not(cluster.ask(a, { kind: GET, isMonotonic: true, timeoutMs: 300 }).status, NOT_FOUND);
});

test('stand-ins: one mints where no primary can be reached, and the other holds it too', (t) => {
  const cluster = new Cluster();
  const [d, e] = cluster.others;
  cluster.kill(...cluster.primaries);
  const put = cluster.ask(d, { kind: PUT, value: 'one' });
  t.deepEqual([put.status, put.received, put.primaries], [OK, 2, 0]);
  t.deepEqual([values(d.held(KEY)), values(e.held(KEY))], [['one'], ['one']]);
  t.deepEqual(values(cluster.ask(e, { kind: GET }).record), ['one']);
});

test('stand-ins: none mints while it believes that a primary can be reached', (t) => {
  const cluster = new Cluster();
  const [d, e] = cluster.others;
  cluster.kill(...cluster.primaries);
  e.suspects.clear();
  const put = cluster.ask(e, { kind: PUT, value: 'one', timeoutMs: 300 });
  t.not(put.status, OK);
  t.false(e.sent.includes('coordinate'));
  t.is(d.held(KEY).length, 0);
});

test('stand-ins: primaries that are asked for are not made up for', (t) => {
  const cluster = new Cluster();
  const [a, b, c] = cluster.primaries;
  cluster.kill(b, c);
  t.is(cluster.ask(a, { kind: PUT, value: 'one', primaries: 2 }).status, QUORUM_NOT_MET);
  t.is(cluster.ask(a, { kind: PUT, value: 'one', primaries: 1 }).status, OK);
});

test('stand-ins: where none is left nothing is held for who is only late, and it is sent the write again after twice as long each time', (t) => {
  const world = new CoordinatorWorld({ ring: new RingWorld(3).ring });
  const [a, b, c] = world.nodes as unknown as Nodes;
  const sentTo = (node: CoordinatorNode): number => a.sent.filter((what) => what === `merge ${node.name}`).length;
  c.isMute = true;
  let got: Answered | undefined;
  a.ask({ kind: PUT, key: KEY, value: 'one', w: 3, timeoutMs: 3_000 }, (answer) => {
    got = answer;
  });
  // At once, and after 200, 400 and 800 ms.
  world.run(world.now + 1_000);
  t.deepEqual([sentTo(b), sentTo(c), a.kept], [1, 4, []]);
  a.suspects.add(c.name);
  world.run(world.now + 1_000);
  t.deepEqual([sentTo(c), a.kept], [5, [c.name]]);
  world.run(world.now + 1_500);
  t.deepEqual([got?.status, got?.received], [INDETERMINATE, 2]);
});
