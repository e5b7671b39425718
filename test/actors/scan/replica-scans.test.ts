/** Pages of a shard's own engine, with a coordinator that the test plays. */
import test from 'ava';
import { ReplicaScans } from '../../../actors/scan/replica-scans.ts';
import { ScanAsk } from '../../../actors/scan/scan-frames.ts';
import { statusOfAnswer } from '../../../actors/store/data-frames.ts';
import { COORDINATE } from '../../../actors/store/replica-call.ts';
import { OK, OVERLOADED } from '../../../actors/store/store-request.ts';
import { ReplicaRig } from '../store/replica-rig.ts';

test('replica scans: 64 pages are in the making, and one more is refused', (t) => {
  const rig = new ReplicaRig('scans');
  rig.open();
  // More than a step looks at, so that no page is made by the first.
  for (let i = 0; i < 70; i++) rig.answer(rig.call(COORDINATE, { key: `k${i}`, bytes: 'v' }));
  const said: (number | string)[] = [];
  const answer = (bytes: Uint8Array, start: number, length: number): boolean => said.push(statusOfAnswer(bytes, start, start + length)) > 0;
  const context = {
    noteSender() {},
    replyBytes: (_operation: number, bytes: Uint8Array, start: number, length: number) => answer(bytes, start, length),
    replyBytesTo: (_to: unknown, _operation: number, bytes: Uint8Array, start: number, length: number) => answer(bytes, start, length),
  };
  const scans = new ReplicaScans(context, () => {}, undefined);
  const last = 0xffff_ffff;
  const ask = Object.assign(new ScanAsk(), { keyspace: 1, lastHigh: last, lastLow: last, keysMax: 200, bytesMax: 65_536 });
  for (let i = 0; i < 65; i++) scans.begin(ask, rig.replicas);
  t.deepEqual(said, [OVERLOADED]);
  rig.run(() => {
    scans.run();
    return said.length === 65;
  });
  t.deepEqual(said.slice(1), Array<number>(64).fill(OK));
  scans.begin(ask, rig.replicas);
  t.is(said.length, 65);
  scans.close();
  t.is(said.length, 66);
});
