import test from 'ava';
import { StorageError } from '../../../storage/errors.ts';
import { AckQueue, type WriteGroup } from '../../../storage/log/ack-queue.ts';
import type { LogSegment } from '../../../storage/log/log-segment.ts';
import { FakeTimers } from '../fake-files.ts';

class Rig {
  readonly queue = new AckQueue(new FakeTimers());
  readonly told: string[] = [];
  readonly group: WriteGroup = this.queue.spare();

  constructor() {
    this.group.segment = {} as LogSegment;
    this.group.sync = true;
    this.group.syncDones.push(this.done('synced'));
  }

  done(name: string) {
    return (error: StorageError | undefined): void => void this.told.push(error === undefined ? name : `${name}!${error.code}`);
  }
}

test('ack queue: a group is not used again while its writes are told, when one of them has others acknowledged', (t) => {
  const rig = new Rig();
  const { queue, group, told } = rig;
  group.dones.push(() => {
    queue.acknowledge(() => true);
    queue.spare().dones.push(rig.done('of the next group'));
  }, rig.done('written'));
  queue.push(group);
  queue.acknowledge(() => true);
  t.deepEqual(told, ['written', 'synced']);
  t.false(queue.syncWanted);
});

test('ack queue: what waits for the disk fails and is not acknowledged later, when all fails while its group is told', (t) => {
  const rig = new Rig();
  const { queue, group, told } = rig;
  group.dones.push(() => queue.failAll([], new StorageError('IO', 'planted')), rig.done('written'));
  queue.push(group);
  queue.acknowledge(() => true);
  t.deepEqual(told, ['written!IO', 'synced!IO']);
  t.false(queue.syncWanted);
  t.is(queue.count, 0);
});
