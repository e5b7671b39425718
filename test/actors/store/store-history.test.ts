/** The checkers are checked: small histories, each of which breaks one promise. */
import test from 'ava';
import type { NaiveRecord, NaiveSibling } from '../version/naive-record.ts';
import { StoreHistory, type Write } from './store-history.ts';

const ACTOR = 'a1';

/** Of one actor: `seen` dots, of which those of `values` are siblings; undefined: a tombstone. */
function record(seen: number, values: Readonly<Record<number, string | undefined>>): NaiveRecord {
  const siblings = Object.entries(values).map(
    ([dot, value]): NaiveSibling => ({
      ...{ actor: ACTOR, counter: Number(dot), stamp: Number(dot), expiry: 0 },
      ...{ isTombstone: value === undefined, value: value ?? '' },
    }),
  );
  return { vector: new Map(seen === 0 ? [] : [[ACTOR, { counter: seen, stamp: seen }]]), siblings };
}

type Answer = readonly [ackedMs: number, record: NaiveRecord];

class Story {
  readonly history = new StoreHistory();
  #now = 0;

  write(id: string, parents: readonly string[], answer?: Answer, isDelete = false): Write {
    const write = this.history.write({ id, key: 'k', parents: new Set(parents), calledMs: this.#now++, isDelete });
    if (answer !== undefined) this.history.acknowledged(write, answer[1], answer[0]);
    return write;
  }

  read(calledMs: number, seen: NaiveRecord, isMonotonic = false): void {
    this.history.read({ key: 'k', record: seen, calledMs, endedMs: calledMs + 1, isMonotonic });
  }

  /** The first words of what is wrong. */
  end(final: NaiveRecord): readonly string[] {
    this.history.end(new Map([['k', final]]));
    return [...new Set(this.history.faults.map((fault) => fault.split(/[ :]/, 1)[0]!))].sort();
  }
}

const story = test.macro((t, tell: (it: Story) => NaiveRecord, faults: readonly string[]) => {
  const it = new Story();
  const final = tell(it);
  t.deepEqual(it.end(final), faults);
});

const STORIES: readonly (readonly [what: string, tell: (it: Story) => NaiveRecord, faults: readonly string[]])[] = [
  [
    'a write, a read of it, and one that supersedes it',
    (it) => {
      it.write('v', [], [10, record(1, { 1: 'v' })]);
      it.read(20, record(1, { 1: 'v' }));
      it.write('w', ['v'], [30, record(2, { 2: 'w' })]);
      it.read(40, record(2, { 2: 'w' }));
      return record(2, { 2: 'w' });
    },
    [],
  ],
  [
    'an acknowledged write is gone',
    (it) => {
      it.write('v', [], [10, record(1, { 1: 'v' })]);
      return record(0, {});
    },
    ['A1'],
  ],
  [
    'an acknowledged write is not read, and is there later',
    (it) => {
      it.write('v', [], [10, record(1, { 1: 'v' })]);
      it.read(20, record(0, {}));
      return record(1, { 1: 'v' });
    },
    ['regular'],
  ],
  [
    'a write and what follows it are siblings',
    (it) => {
      it.write('v', []);
      it.write('w', ['v']);
      return record(2, { 1: 'v', 2: 'w' });
    },
    ['A4'],
  ],
  [
    'of two writes at once, both of which were seen, one is dropped',
    (it) => {
      it.write('v', []);
      it.write('w', []);
      it.read(20, record(1, { 1: 'v' }));
      return record(2, { 2: 'w' });
    },
    ['A4'],
  ],
  [
    'a write that nobody was told of comes late, or never',
    (it) => {
      it.write('u', []).outcome = 'unknown';
      it.write('v', []).outcome = 'unknown';
      return record(1, { 1: 'v' });
    },
    [],
  ],
  ['something is read that nobody wrote', () => record(1, { 1: 'v' }), ['A5']],
  [
    'something is read that was said not to be written',
    (it) => {
      it.write('v', []).outcome = 'refused';
      return record(1, { 1: 'v' });
    },
    ['A14'],
  ],
  [
    'a write has two dots',
    (it) => {
      it.write('v', []);
      it.read(10, record(1, { 1: 'v' }));
      return record(2, { 2: 'v' });
    },
    ['A7'],
  ],
  [
    'two writes have one dot',
    (it) => {
      it.write('v', []);
      it.write('w', []);
      it.read(10, record(1, { 1: 'v' }));
      return record(1, { 1: 'w' });
    },
    ['A4', 'A7'],
  ],
  [
    'a delete is read as nothing, and stays',
    (it) => {
      it.write('v', [], [10, record(1, { 1: 'v' })]);
      it.write('d', ['v'], [20, record(2, { 2: undefined })], true);
      it.read(30, record(2, { 2: undefined }));
      return record(2, { 2: undefined });
    },
    [],
  ],
  [
    'what an acknowledged delete removed comes back',
    (it) => {
      it.write('v', [], [10, record(1, { 1: 'v' })]);
      it.write('d', ['v'], [20, record(2, { 2: undefined })], true);
      it.read(30, record(1, { 1: 'v' }));
      return record(2, { 2: undefined });
    },
    ['A10', 'regular'],
  ],
  [
    'a value goes, and a delete that nobody was told of may be why',
    (it) => {
      it.write('v', [], [10, record(1, { 1: 'v' })]);
      it.write('d', ['v'], undefined, true);
      it.read(30, record(2, { 2: undefined }));
      it.write('w', [`${ACTOR} 2`], [40, record(3, { 3: 'w' })]);
      return record(3, { 3: 'w' });
    },
    [],
  ],
  [
    'a value goes, and the delete that nobody was told of had not seen it',
    (it) => {
      it.write('v', [], [10, record(1, { 1: 'v' })]);
      it.write('d', [], undefined, true);
      return record(2, { 2: undefined });
    },
    ['A1'],
  ],
  [
    'a monotonic read has not seen what one before it had',
    (it) => {
      it.write('v', []);
      it.read(10, record(1, { 1: 'v' }), true);
      it.read(20, record(0, {}), true);
      return record(1, { 1: 'v' });
    },
    ['monotonic'],
  ],
];
for (const [what, ...row] of STORIES) test(`store checkers: ${what}`, story, ...row);
