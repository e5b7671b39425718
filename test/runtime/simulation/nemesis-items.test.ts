import test from 'ava';
import { MAIN_SHARD } from '../../../runtime/address.ts';
import { type PlanItem, type SimDisk, SimSyncFiles, Simulation } from '../../../runtime/simulation/testing.ts';

const NODES = [
  { name: 'a', shards: 0 },
  { name: 'b', shards: 0 },
];

function simulation(...plan: readonly PlanItem[]): Simulation {
  return new Simulation({ seed: 1, nodes: NODES, plan });
}

function put(disk: SimDisk, path: string, text: string, isSynced = true): void {
  const files = new SimSyncFiles(disk);
  const file = files.open(path, 'create');
  file.pwrite([Buffer.from(text)], 0);
  if (isSynced) {
    file.datasync();
    files.syncDir('/');
  }
  file.close();
}

function get(disk: SimDisk, path: string): string | null {
  const files = new SimSyncFiles(disk);
  if (!files.readdir('/').includes(path.slice(1))) return null;
  const file = files.open(path, 'read');
  const into = Buffer.alloc(100);
  return into.subarray(0, file.pread(into, 0)).toString();
}

test('plan item powerLoss: what was not synced survives as it says, and the node comes back', (t) => {
  const sim = simulation(
    { kind: 'powerLoss', atMs: 10, node: 'a', forMs: 5, survives: 'all', draw: 1, atCall: 0 },
    { kind: 'powerLoss', atMs: 10, node: 'b', forMs: 5, survives: 'none', draw: 1, atCall: 0 },
  );
  for (const { disk } of sim.nodes) put(disk, '/x', 'kept', false);
  sim.run(12);
  t.false(sim.node('a').isUp);
  sim.run(20);
  t.true(sim.node('a').isUp);
  t.is(get(sim.node('a').disk, '/x'), 'kept');
  t.is(get(sim.node('b').disk, '/x'), null);
});

test('plan item powerLoss: at the call it names, when that comes in time', (t) => {
  const files = { done: 0 };
  const sim = simulation({ kind: 'powerLoss', atMs: 10, node: 'a', forMs: 50, survives: 'all', draw: 1, atCall: 2 });
  sim.run(15);
  t.true(sim.node('a').isUp);
  for (let i = 0; i < 3; i++) sim.doors('a', sim.node('a').main.index).files.mkdir(`/d${i}`, () => files.done++);
  sim.run(20);
  t.false(sim.node('a').isUp);
  t.is(files.done, 1);
  sim.run(70);
  t.true(sim.node('a').isUp);
  // The second call had taken effect when the power went.
  t.is(new SimSyncFiles(sim.node('a').disk).readdir('/').length, 2);
});

test('plan item powerLoss: no effect, when the call it names does not come in time', (t) => {
  const sim = simulation({ kind: 'powerLoss', atMs: 10, node: 'a', forMs: 50, survives: 'all', draw: 0, atCall: 2 });
  sim.run(70);
  for (let i = 0; i < 3; i++) new SimSyncFiles(sim.node('a').disk).mkdir(`/d${i}`);
  sim.run(80);
  t.true(sim.node('a').isUp);
});

test('plan item rollback: the node comes back with what was durable then', (t) => {
  const sim = simulation({ kind: 'rollback', atMs: 30, node: 'a', forMs: 5, savedAtMs: 10 });
  put(sim.node('a').disk, '/x', 'old');
  put(sim.node('a').disk, '/y', 'not synced', false);
  sim.run(20);
  put(sim.node('a').disk, '/x', 'new');
  put(sim.node('a').disk, '/z', 'new');
  sim.run(40);
  t.true(sim.node('a').isUp);
  t.deepEqual(
    ['/x', '/y', '/z'].map((path) => get(sim.node('a').disk, path)),
    ['old', null, null],
  );
});

test('plan item wipe: the node comes back with nothing', (t) => {
  const sim = simulation({ kind: 'wipe', atMs: 10, node: 'a', forMs: 5 });
  put(sim.node('a').disk, '/x', 'old');
  sim.run(20);
  t.true(sim.node('a').isUp);
  t.is(get(sim.node('a').disk, '/x'), null);
});

test('plan item swap: each comes back with the disk of the other; none does anything, when one is down', (t) => {
  const sim = simulation(
    { kind: 'swap', atMs: 10, a: 'a', b: 'b', forMs: 5 },
    { kind: 'crash', atMs: 30, node: 'b', forMs: 10, silent: false },
    { kind: 'swap', atMs: 35, a: 'a', b: 'b', forMs: 5 },
  );
  for (const { disk, name } of sim.nodes) put(disk, '/x', name);
  for (const untilMs of [20, 50]) {
    sim.run(untilMs);
    t.deepEqual(
      sim.nodes.map(({ disk, isUp }) => [get(disk, '/x'), isUp]),
      [
        ['b', true],
        ['a', true],
      ],
    );
  }
});

test('plan item copy: the node comes back with what the other has, and a disk of its own', (t) => {
  const sim = simulation({ kind: 'copy', atMs: 10, node: 'a', of: 'b', forMs: 5 });
  for (const { disk, name } of sim.nodes) put(disk, '/x', name);
  sim.run(20);
  put(sim.node('b').disk, '/x', 'c');
  t.deepEqual(
    sim.nodes.map(({ disk, isUp }) => [get(disk, '/x'), isUp]),
    [
      ['b', true],
      ['c', true],
    ],
  );
});

test('plan: a world with items for disks gives the same run twice', (t) => {
  const run = (): string => {
    const sim = simulation(
      { kind: 'powerLoss', atMs: 10, node: 'a', forMs: 50, survives: 'torn', draw: 7, atCall: 1 },
      { kind: 'rollback', atMs: 100, node: 'a', forMs: 5, savedAtMs: 10 },
    );
    for (const { disk } of sim.nodes) put(disk, '/x', 'text', false);
    sim.run(200);
    return sim.finalDigest();
  };
  t.is(run(), run());
});

test('plan item act: the workload is told, at its time', (t) => {
  const told: string[] = [];
  const sim = new Simulation({
    seed: 1,
    nodes: NODES,
    plan: [{ kind: 'act', atMs: 7, node: 'b', action: 'dance', draw: 3 }],
    act: ({ node, action, draw }) => told.push(`${node} ${action} ${draw}`),
  });
  sim.run(6);
  t.deepEqual(told, []);
  sim.run(8);
  t.deepEqual(told, ['b dance 3']);
});

test('plan item rot: one bit of a file in that path is wrong, and of no other; nothing, where there is none', (t) => {
  const sim = simulation(
    { kind: 'rot', atMs: 10, node: 'a', path: 'y', draw: 9 },
    { kind: 'rot', atMs: 10, node: 'b', path: 'z', draw: 9 },
  );
  for (const { disk } of sim.nodes) for (const path of ['/x', '/y']) put(disk, path, 'text');
  sim.run(20);
  const bits = Buffer.alloc(4);
  new SimSyncFiles(sim.node('a').disk).open('/y', 'read').pread(bits, 0);
  const flipped = [...Buffer.from('text')].map((byte, index) => byte ^ bits[index]!).filter((difference) => difference !== 0);
  t.is(flipped.length, 1);
  t.is(Math.log2(flipped[0]!) % 1, 0);
  t.deepEqual(
    ['/x', '/y'].map((path) => get(sim.node('b').disk, path)),
    ['text', 'text'],
  );
});

test('plan item diskError: calls of that operation to that path fail, until it is over', (t) => {
  const sim = simulation({ kind: 'diskError', atMs: 10, node: 'a', forMs: 10, operation: 'pwrite', path: '/x', code: 'ENOSPC' });
  const { disk } = sim.node('a');
  const fails = (path: string): boolean => {
    try {
      put(disk, path, 'text');
      return false;
    } catch (error) {
      t.like(error, { code: 'ENOSPC' });
      return true;
    }
  };
  const looks = [5, 15, 25].map((atMs) => {
    sim.run(atMs);
    return [fails('/x'), fails('/y')];
  });
  t.deepEqual(looks, [
    [false, false],
    [true, false],
    [false, false],
  ]);
});

test('plan item slowDisk: the calls of that node take so many times longer, until it is over', (t) => {
  const sim = simulation({ kind: 'slowDisk', atMs: 10, node: 'a', forMs: 1_000, factor: 1_000 });
  sim.run(11);
  const doneAt = new Map<string, number>();
  for (const name of ['a', 'b']) sim.doors(name, MAIN_SHARD).files.mkdir('/d', () => doneAt.set(name, sim.now));
  sim.run(500);
  t.true(doneAt.get('b')! < 12 && doneAt.get('a')! > 30);
  sim.run(1_100);
  sim.doors('a', MAIN_SHARD).files.mkdir('/e', () => doneAt.set('later', sim.now));
  sim.run(1_200);
  t.true(doneAt.get('later')! < 1_101);
});
