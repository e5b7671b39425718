import test from 'ava';
import type { NodeErrorCode } from '../../../actors/node/node-error.ts';
import type { NodeRecord, Phase } from '../../../actors/node/node-record.ts';
import { decideStart, type StartDecision, type StartWish } from '../../../actors/node/start-record.ts';

const FRESH = { node: 'aa'.repeat(16), cluster: 'cc'.repeat(16), shards: 3 };
const STORED: NodeRecord = {
  id: 'dd'.repeat(16),
  cluster: 'ee'.repeat(16),
  phase: 'member',
  name: 'old',
  shards: 2,
  boot: 4,
  address: null,
};
const NOTHING: StartWish = { name: undefined, shards: undefined, init: false, join: [] };

function decide(stored: NodeRecord | null, wish: Partial<StartWish>): StartDecision {
  return decideStart(stored, { ...NOTHING, ...wish }, FRESH, '/data');
}

test('start: an empty directory gets a new id, the name said, and the first boot, when a cluster is to be made', (t) => {
  t.deepEqual(decide(null, { init: true, name: 'a', shards: 1 }), {
    way: 'init',
    record: { id: FRESH.node, cluster: FRESH.cluster, phase: 'initialising', name: 'a', shards: 1, boot: 1, address: null },
  });
  t.like(decide(null, { init: true }).record, { name: 'naaaaaaaa', shards: 3 });
});

test('start: an empty directory is of no cluster yet, when it is to join', (t) => {
  t.like(decide(null, { join: ['h:1'] }), { way: 'join', record: { phase: 'new', cluster: '', boot: 1 } });
});

test('start: a directory keeps who it is, and its boot rises', (t) => {
  t.deepEqual(decide(STORED, {}), { way: 'restart', record: { ...STORED, boot: 5 } });
});

const goes = test.macro({
  exec: (t, phase: Phase, wish: Partial<StartWish>, way: StartDecision['way']) => {
    const decided = decide({ ...STORED, phase }, wish);
    t.is(decided.way, way);
    if (phase !== 'new') t.is(decided.record.cluster, STORED.cluster);
  },
  title: (_, phase: Phase, wish: Partial<StartWish>, way: StartDecision['way']) =>
    `start: a directory that is ${phase} goes by ${way}, when told ${JSON.stringify(wish)}`,
});
for (const wish of [{}, { init: true }, { join: ['h:1'] }, { name: 'old', shards: 2 }]) test(goes, 'member', wish, 'restart');
test(goes, 'initialising', {}, 'init');
test(goes, 'initialising', { init: true }, 'init');
test(goes, 'joining', { join: ['h:1'] }, 'join');
test(goes, 'new', { join: ['h:1'] }, 'join');
test(goes, 'new', { init: true }, 'init');

const refused = test.macro({
  exec: (t, phase: Phase | null, wish: Partial<StartWish>, code: NodeErrorCode, message: RegExp) => {
    t.throws(() => decide(phase === null ? null : { ...STORED, phase }, wish), { code, message });
  },
  title: (_, phase: Phase | null, wish: Partial<StartWish>) =>
    `start: a directory that is ${phase ?? 'empty'} is refused, when told ${JSON.stringify(wish)}`,
});
const BOTH = { init: true, join: ['h:1'] };
test(refused, null, {}, 'NO_CLUSTER', /\/data is empty: say --init .* or --join/);
test(refused, null, BOTH, 'INVALID_CONFIG', /--init makes a new cluster, --join enters/);
test(refused, 'member', BOTH, 'INVALID_CONFIG', /expected one of the two/);
test(refused, 'new', {}, 'NO_CLUSTER', /say --init/);
test(refused, 'initialising', { join: ['h:1'] }, 'OTHER_CLUSTER', /belongs to cluster eeee/);
test(refused, 'joining', {}, 'NO_CLUSTER', /has not finished joining cluster eeee.*--join/);
test(refused, 'joining', { init: true }, 'NO_CLUSTER', /has not finished joining/);
test(refused, 'member', { name: 'b' }, 'OTHER_NAME', /that of node old, not of b.*--data/);
test(refused, 'member', { shards: 3 }, 'OTHER_SHARDS', /made for 2 shards, not for 3.*--shards 3 and --join.*dynactor leave old/);
