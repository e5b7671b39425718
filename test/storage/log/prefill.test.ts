import test from 'ava';
import type { FileDone, OpenFile } from '../../../runtime/files.ts';
import { FileError } from '../../../runtime/files.ts';
import type { LogSegment } from '../../../storage/log/log-segment.ts';
import { Prefill } from '../../../storage/log/prefill.ts';

const MIB = 1 << 20;

/** Calls in order; each completes when the test says so. */
class Rig {
  readonly calls: string[] = [];
  readonly dones: FileDone<void>[] = [];
  readonly news: string[] = [];
  readonly segment: LogSegment;
  readonly prefill = new Prefill({
    onEnded: () => void this.news.push('ended'),
    onSyncFailed: (_, error) => void this.news.push(error.message),
  });

  constructor(fileBytes: number, filled: number) {
    const file = {
      pwrite: (buffers: readonly Uint8Array[], position: number, done: FileDone<void>) => {
        this.calls.push(`${position} +${buffers.reduce((sum, { length }) => sum + length, 0)}`);
        this.dones.push(done);
      },
      datasync: (done: FileDone<void>) => {
        this.calls.push('datasync');
        this.dones.push(done);
      },
    } as unknown as OpenFile;
    this.segment = { prepared: { fileBytes, file }, filled } as unknown as LogSegment;
  }

  end(error?: FileError): void {
    this.dones.shift()?.(error === undefined ? { ok: true, value: undefined } : { ok: false, error });
  }
}

test('prefill: a piece goes ahead of a synced write, is synced, and holds writes that would reach into it', (t) => {
  const rig = new Rig(8 * MIB, 4096);
  const { prefill, segment } = rig;
  prefill.ahead(segment, 5_000);
  t.deepEqual(rig.calls, [`5000 +${MIB}`]);
  t.false(prefill.blocks(segment, 5_000));
  t.true(prefill.blocks(segment, 5_001));
  prefill.ahead(segment, 5_000);
  t.is(rig.calls.length, 1);
  rig.end();
  t.deepEqual(rig.calls.slice(1), ['datasync']);
  t.true(prefill.blocks(segment, 5_001));
  rig.end();
  t.deepEqual(rig.news, ['ended']);
  t.false(prefill.blocks(segment, 8 * MIB));
  t.is(segment.filled, 5_000 + MIB);
});

test('prefill: nothing is filled, when enough lies ahead or the file ends', (t) => {
  const rig = new Rig(8 * MIB, 3 * MIB);
  rig.prefill.ahead(rig.segment, 2 * MIB);
  t.deepEqual(rig.calls, []);
  rig.prefill.ahead(rig.segment, 2 * MIB + 1);
  t.deepEqual(rig.calls, [`${3 * MIB} +${MIB}`]);
  const full = new Rig(4 * MIB, 4 * MIB);
  full.prefill.ahead(full.segment, 4 * MIB - 10);
  t.deepEqual(full.calls, []);
});

test('prefill: it ends for this segment, when there is no room for zeros', (t) => {
  const rig = new Rig(8 * MIB, 4096);
  rig.prefill.ahead(rig.segment, 5_000);
  rig.end(new FileError('ENOSPC', 'pwrite', '/db/1.log'));
  t.deepEqual(rig.news, ['ended']);
  rig.prefill.ahead(rig.segment, 9_000);
  t.is(rig.calls.length, 1);
});

test('prefill: a failed sync is told, since it may have been of groups too', (t) => {
  const rig = new Rig(8 * MIB, 4096);
  rig.prefill.ahead(rig.segment, 5_000);
  rig.end();
  rig.end(new FileError('EIO', 'datasync', '/db/1.log'));
  t.deepEqual(rig.news, ['datasync /db/1.log: EIO', 'ended']);
});
