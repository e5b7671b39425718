import test from 'ava';
import { repairText } from '../../../../actors/node/cli/repair-command.ts';
import { RepairJob } from '../../../../actors/repair/repair-queue.ts';

test('repair command: says what was done, and what could not be', (t) => {
  const { jobId: id, ...job } = new RepairJob('x').progress();
  const done = {
    ...job,
    id,
    state: 'done',
    total: 4,
    done: 4,
    differing: 3,
    pushed: 2,
    pulled: 1,
    valueBytes: 600,
    silentShards: 0,
  } as const;
  t.is(repairText(done), 'repair done: 4 of 4 exchanges\n3 keys differ, 2 pushed, 1 pulled, 600 bytes of records moved');
  t.is(
    repairText({ ...done, incomplete: 2, unconfirmed: 1, failed: 1, fault: 'no answer', silentShards: 1 })
      .split('\n')
      .slice(2)
      .join('\n'),
    '2 exchanges incomplete: 1 keys still change, 1 failed; no answer\n1 shards do not answer',
  );
});
