import test from 'ava';
import { RegisterLog } from './register-log.ts';

const NOTHING = { values: [], tombstones: 0 };

function logOf(): RegisterLog {
  const log = new RegisterLog();
  log.write('w1', false, 1).endedAt = 2;
  log.write('d1', true, 3).endedAt = 4;
  return log;
}

test('register log: has no faults, when reads show what was there or was about to be', (t) => {
  const log = logOf();
  log.read({ begunAt: 5, endedAt: 6, values: [], tombstones: 1 });
  const late = log.write('w2', false, 7);
  log.read({ begunAt: 8, endedAt: 9, values: ['w2'], tombstones: 0 });
  log.read({ begunAt: 10, endedAt: 11, values: [], tombstones: 1 });
  late.endedAt = 12;
  log.read({ begunAt: 13, endedAt: 14, values: ['w2'], tombstones: 0 });
  t.deepEqual(log.faults(), []);
});

test('register log: a value is found, when a delete had removed it', (t) => {
  const log = logOf();
  log.read({ begunAt: 5, endedAt: 6, values: ['w1'], tombstones: 0 });
  t.deepEqual(log.faults(), ['w1 is read at 5, and d1 had superseded it']);
});

test('register log: a tombstone is found, when a later write had superseded every delete', (t) => {
  const log = logOf();
  log.write('w2', false, 5).endedAt = 6;
  log.read({ begunAt: 7, endedAt: 8, values: [], tombstones: 1 });
  t.deepEqual(log.faults(), ['d1 is read at 7, and w2 had superseded it']);
});

test('register log: that nothing is read is found, when something was written', (t) => {
  const log = logOf();
  log.read({ begunAt: 5, endedAt: 6, ...NOTHING });
  t.deepEqual(log.faults(), ['nothing is read at 5, after w1']);
});

test('register log: a tombstone is found, when nobody has deleted', (t) => {
  const log = new RegisterLog();
  log.read({ begunAt: 1, endedAt: 2, values: [], tombstones: 1 });
  t.deepEqual(log.faults(), ['a tombstone is read at 1, and was not written']);
});

test('register log: a write is found that was said not to be done, when it is read', (t) => {
  const log = new RegisterLog();
  log.write('w1', false, 1).isRefused = true;
  log.read({ begunAt: 2, endedAt: 3, values: ['w1'], tombstones: 0 });
  t.deepEqual(log.faults(), ['w1 was said not to be written, and is read']);
});
