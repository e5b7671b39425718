import test, { type ExecutionContext } from 'ava';
import { Admission } from '../../../actors/gossip/admission.ts';
import type { Sender } from '../../../actors/ring-protocol.ts';
import { CLUSTER, idOf } from './world.ts';

const SENDER: Sender = { cluster: CLUSTER, id: idOf(1), boot: 3, instance: 'a1' };

function admissionOf(): Admission {
  const admission = new Admission(idOf(0), new Set());
  admission.setMembers(CLUSTER, [idOf(0), idOf(1)]);
  return admission;
}

const refused = test.macro((t: ExecutionContext, changes: Partial<Sender>, expected: RegExp) => {
  const admission = admissionOf();
  t.is(admission.refusal(SENDER, 3), null);
  t.regex(admission.refusal({ ...SENDER, ...changes }, 3) ?? '', expected);
  t.is(admission.refusal(SENDER, 3), null);
});
test('admission: refused, when of another cluster', refused, { cluster: 'd'.repeat(32) }, /another cluster/);
test('admission: refused, when no member', refused, { id: idOf(5) }, /no member/);
test('admission: refused, when under the id of this node', refused, { id: idOf(0) }, /id of this node/);
test('admission: refused, when of an earlier start', refused, { boot: 2 }, /earlier start/);
test('admission: refused, when a second process of the same start', refused, { instance: 'b2' }, /another process/);

test('admission: of a later start it is taken, and the earlier one no more', (t) => {
  const admission = admissionOf();
  t.is(admission.refusal({ ...SENDER, boot: 4, instance: 'c3' }, 3), null);
  t.regex(admission.refusal(SENDER, 3) ?? '', /earlier start/);
});

test('admission: nobody has a say, when there is no ring', (t) => {
  t.regex(new Admission(idOf(0), new Set()).refusal(SENDER, 0) ?? '', /no ring/);
});
