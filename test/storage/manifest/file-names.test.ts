import test from 'ava';
import { isObsolete, logName, manifestName, parseFileName, tableName, temporaryName } from '../../../storage/manifest/file-names.ts';

test('file names: what is made is parsed', (t) => {
  for (const number of [1, 999_999, 1_000_000, 0xffff_ffff]) {
    t.deepEqual(parseFileName(logName(number)), { kind: 'log', number });
    t.deepEqual(parseFileName(tableName(number)), { kind: 'table', number });
    t.deepEqual(parseFileName(manifestName(number)), { kind: 'manifest', number });
    t.deepEqual(parseFileName(temporaryName(logName(number))), { kind: 'temporary', number });
  }
  t.is(parseFileName('CURRENT').kind, 'current');
  t.is(parseFileName('LOCK').kind, 'lock');
  t.is(parseFileName('CURRENT.new').kind, 'temporary');
});

test('file names: what is made otherwise is unknown', (t) => {
  for (const name of [
    '',
    '7.log',
    '0000007.log',
    '000000.log',
    '4294967296.log',
    '000001.txt',
    'MANIFEST-1',
    'a.new',
    '.new',
    '000001.log.new.new',
    'current',
    '000001.LOG',
    'LOCK.new',
  ]) {
    t.is(parseFileName(name).kind, 'unknown', name);
  }
});

test('file names: only what is known and not in use is obsolete', (t) => {
  const live = { tables: new Set([4]), logNumber: 7, manifestNumber: 9 };
  const obsolete = ['000006.log', '000005.sst', 'MANIFEST-000008', 'MANIFEST-000010', 'CURRENT.new', '000099.sst.new'];
  for (const name of obsolete) t.true(isObsolete(parseFileName(name), live), name);
  for (const name of ['000007.log', '000008.log', '000004.sst', 'MANIFEST-000009', 'CURRENT', 'LOCK', 'notes.txt']) {
    t.false(isObsolete(parseFileName(name), live), name);
  }
});
