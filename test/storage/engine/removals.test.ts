import test from 'ava';
import { Removals } from '../../../storage/engine/removals.ts';
import { DIR, emptyDisk, SimLife } from './sim-engine.ts';

test('removals: each is gone for good before the next is touched, and the first that stays ends it, when in turn', (t) => {
  const disk = emptyDisk();
  disk.makeDirectory(DIR);
  const life = new SimLife(disk, 1);
  const { files, log } = life.doors;
  const calls: string[] = [];
  let under = 0;
  disk.onCall = ({ operation, path }) => {
    calls.push(`${operation} ${path.slice(DIR.length)}`);
    return path.endsWith('c') ? { kind: 'error', code: 'EIO' } : undefined;
  };
  const removals = new Removals({ files, dir: DIR, log, begin: () => under++, end: () => under-- });
  removals.removeInTurn(['a', 'b', 'c', 'd'].map((name) => `${DIR}/${name}`));
  t.is(under, 1);
  life.until(() => under === 0, 'removals');
  t.deepEqual(calls, ['unlink /a', 'syncDir ', 'unlink /b', 'syncDir ', 'unlink /c']);
  t.deepEqual(
    life.log.lines.map(({ event }) => event),
    ['fileNotRemoved'],
  );
});
