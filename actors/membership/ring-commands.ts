/** What people do to a ring without Paxos: the first one of a cluster, and the way out of a lost majority. Answers come when it is on disk. */
import { errorMessage } from '../../runtime/errors.ts';
import { forcedRing } from '../ring/forced-ring.ts';
import type { OperationOutcome, OperationRefusal } from '../ring/operation.ts';
import { hashOfRing } from '../ring/ring-codec.ts';
import type { Id, RingState } from '../ring/ring-state.ts';
import { fingerprintText } from '../ring/token.ts';
import { knownRing } from './known-ring.ts';
import type { RingKeeper } from './ring-keeper.ts';

type Done = (outcome: OperationOutcome) => void;

export function initRing(keeper: RingKeeper, ring: RingState, done: Done): void {
  const { newest, memory, fence, trouble } = keeper;
  if (isDone(keeper, ring.operationId, done)) return;
  if (newest !== null)
    return done(refusal('EXISTS', `this node is in cluster ${newest.state.clusterName} (${newest.state.cluster}) already`));
  if (memory === null || fence !== null) return done(refusal('NOT_ALLOWED', trouble));
  adopt(keeper, ring, done);
}

/**
 * The forced ring follows from the ring of this node and the survivors alone, so that operators who say the same at two survivors that have the same ring make one ring
 * (seeds 2314 and 2442 of the membership workload made two). Those who name different survivors make two, which is found and said: a conflict.
 */
export function forceRing(keeper: RingKeeper, self: Id, operationId: Id, survivors: readonly Id[], done: Done): void {
  const { newest, memory, fence, trouble } = keeper;
  if (newest === null || memory === null) return done(refusal('NOT_FOUND', trouble || 'this node has no ring'));
  if (isDone(keeper, operationId, done)) return;
  if (fence !== null && fence !== 'conflict') return done(refusal('NOT_ALLOWED', trouble));
  if (!survivors.includes(self)) return done(refusal('INVALID_ARGUMENT', `survivors: expected this node, ${self}, among them`));
  const { state } = newest;
  // Said again where it is done, by whichever of them: unless it is what a conflict is to be ended by.
  if (fence === null && state.operationId === idOfForce(state.parent, survivors))
    return done({ ok: true, version: { generation: state.generation, epoch: state.epoch } });
  const forced = forcedRing(state, survivors, idOfForce(hashOfRing(state), survivors));
  if (forced.ok) adopt(keeper, forced.ring, done);
  else done(forced);
}

function idOfForce(parent: string, survivors: readonly Id[]): Id {
  const text = `${parent} ${[...survivors].sort().join(' ')}`;
  return fingerprintText(Buffer.from(`force ${text}`)) + fingerprintText(Buffer.from(`ring ${text}`));
}

function adopt(keeper: RingKeeper, ring: RingState, done: Done): void {
  const { generation, epoch } = ring;
  try {
    keeper.adopt(knownRing(ring), true, () => done({ ok: true, version: { generation, epoch } }));
  } catch (error) {
    done(refusal('INVALID_ARGUMENT', errorMessage(error)));
  }
}

function isDone(keeper: RingKeeper, operationId: Id, done: Done): boolean {
  const known = keeper.decided.find((row) => row.operationId === operationId);
  if (known !== undefined) done({ ok: true, version: { generation: known.generation, epoch: known.epoch } });
  return known !== undefined;
}

function refusal(code: OperationRefusal, message: string): OperationOutcome {
  return { ok: false, code, message };
}
