import test from 'ava';
import { linearizableFaults, NOTHING_YET, type RegisterRead, type RegisterWrite, regularFaults } from './register-checker.ts';
import { runRegister } from './register-run.ts';

const SEEDS = 40;

type Row = readonly [id: string, begunAt: number, endedAt: number];

/** `reads`: what was the newest of each; the only sibling. */
function histories(writes: readonly Row[], reads: readonly Row[]): readonly [Map<string, RegisterWrite>, RegisterRead[]] {
  const made = reads.map(([id, begunAt, endedAt]) => ({ begunAt, endedAt, ids: id === NOTHING_YET ? [] : [id], newest: id }));
  return [new Map(writes.map(([id, begunAt, endedAt]) => [id, { id, begunAt, endedAt }])), made];
}

const NEVER = Number.POSITIVE_INFINITY;

/** Writes, reads, whether that is a regular register, and whether a linearizable one. */
const HISTORIES: readonly (readonly [
  what: string,
  writes: readonly Row[],
  reads: readonly Row[],
  isRegular: boolean,
  isLinearizable: boolean,
])[] = [
  ['what was acknowledged is read', [['a', 1, 2]], [['a', 3, 4]], true, true],
  [
    'a write under way may be read or not',
    [['a', 1, 8]],
    [
      [NOTHING_YET, 2, 3],
      ['a', 4, 5],
    ],
    true,
    true,
  ],
  [
    'new, then old',
    [
      ['a', 1, 2],
      ['b', 3, 10],
    ],
    [
      ['b', 4, 5],
      ['a', 6, 7],
    ],
    true,
    false,
  ],
  [
    'what was superseded is read',
    [
      ['a', 1, 2],
      ['b', 3, 4],
    ],
    [['a', 5, 6]],
    false,
    false,
  ],
  ['nothing is read after a write', [['a', 1, 2]], [[NOTHING_YET, 3, 4]], false, false],
  ['what is written later is read', [['a', 5, 6]], [['a', 1, 2]], false, false],
  [
    'what nobody was told of may come late',
    [
      ['a', 1, NEVER],
      ['b', 2, 3],
    ],
    [
      ['b', 4, 5],
      ['a', 6, 7],
    ],
    true,
    true,
  ],
  [
    'what nobody was told of comes and goes',
    [
      ['a', 1, NEVER],
      ['b', 2, 3],
    ],
    [
      ['a', 4, 5],
      ['b', 6, 7],
      ['a', 8, 9],
    ],
    true,
    false,
  ],
  [
    'two writes at once, in an order that readers agree on',
    [
      ['a', 1, 9],
      ['b', 2, 10],
    ],
    [
      ['b', 3, 4],
      ['a', 11, 12],
    ],
    true,
    true,
  ],
];
const verdicts = test.macro((t, writes: readonly Row[], reads: readonly Row[], isRegular: boolean, isLinearizable: boolean) => {
  t.is(regularFaults(...histories(writes, reads)).length === 0, isRegular);
  t.is(linearizableFaults(...histories(writes, reads)).length === 0, isLinearizable);
});
for (const [what, ...row] of HISTORIES) test(`register checkers: ${what}`, verdicts, ...row);

for (const nodes of [3, 5]) {
  test(`register histories: a cp key is a regular register, with one dot for each write, on ${nodes} nodes under loss, delay, repetition and crashes [A7, T12, FAULTS 3]`, (t) => {
    let [reads, acknowledged, deletes] = [0, 0, 0];
    for (let seed = 0; seed < SEEDS; seed++) {
      const history = runRegister({ seed: `r${seed}`, nodes, capacity: seed % 2 === 0 ? 64 : 3 });
      t.deepEqual(history.faults(), [], `seed r${seed}`);
      reads += history.reads.length;
      acknowledged += [...history.writes.values()].filter(({ endedAt }) => endedAt !== NEVER).length;
      deletes += history.deletes;
    }
    t.log({ reads, acknowledged, deletes });
    t.true(reads > SEEDS * 40 && acknowledged > SEEDS * 20 && deletes > SEEDS * 3);
  });
}

// Without deletes: those that nobody was told of can't be told apart. With much loss: a reader sees what others of the quorum have not heard of.
const ATOMIC = { deleteChance: 0, loss: 0.4 } as const;

test('register histories: no linearizable register, where replicas are repaired behind the answer, and the checker of one sees it', (t) => {
  const first = seedWhere((seed) => {
    const { writes, reads } = runRegister({ ...ATOMIC, seed, mode: 'ap' });
    return linearizableFaults(writes, reads).length > 0;
  }, SEEDS * 3);
  t.log(`first ${first}`);
  t.not(first, undefined);
});

test('register histories: no linearizable register of a cp key, where replicas forget what they had not on disk yet (control)', (t) => {
  const first = seedWhere((seed) => {
    const { writes, reads } = runRegister({ seed, deleteChance: 0, syncMs: 1_000, loss: 0.3, writers: 2 });
    return linearizableFaults(writes, reads).length > 0;
  }, SEEDS * 3);
  t.log(`first ${first}`);
  t.not(first, undefined);
});

test('register histories: reads of cp never go back, when one writes and no replica forgets', (t) => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { writes, reads } = runRegister({ ...ATOMIC, seed: `r${seed}`, writers: 1, crashes: false });
    t.deepEqual(linearizableFaults(writes, reads), [], `seed r${seed}`);
    t.true(reads.length > 20);
  }
});

test('register histories: the planted bug repairsAfterAnswer is found', (t) => {
  const mutants = new Set(['repairsAfterAnswer']);
  const first = seedWhere((seed) => {
    const { writes, reads } = runRegister({ ...ATOMIC, seed, writers: 1, crashes: false, mutants });
    return linearizableFaults(writes, reads).length > 0;
  }, SEEDS * 3);
  t.log(`found by seed ${first}`);
  t.not(first, undefined);
});

const bug = test.macro((t, name: string) => {
  const first = seedWhere((seed) => runRegister({ seed, nodes: 5, mutants: new Set([name]) }).faults().length > 0, SEEDS);
  t.log(`found by seed ${first}`);
  t.not(first, undefined);
});

for (const name of ['contextNotRead', 'readsOneLess', 'ackAtWMinus1', 'countsReplicaTwice', 'digestIgnored', 'forwardMintsTwice']) {
  test(`register histories: the planted bug ${name} is found`, bug, name);
}

function seedWhere(isFaulty: (seed: string) => boolean, atMost: number): string | undefined {
  for (let seed = 0; seed < atMost; seed++) if (isFaulty(`r${seed}`)) return `r${seed}`;
  return undefined;
}
