/** `/v1/plan`: what changes of members would move. Nothing is changed. */
import type { Hono } from 'hono';
import { applyOperation } from '../../ring/apply.ts';
import type { Operation } from '../../ring/operation.ts';
import { type Plan, planOwners } from '../../ring/plan.ts';
import type { RingState } from '../../ring/ring-state.ts';
import type { Admin } from '../admin.ts';
import { type PlannedChange, planBody } from './bodies.ts';
import { Problem } from './problems.ts';
import { bodyOf, lookWithRing, memberOf } from './requests.ts';

/** `owners`: name of each partition's owner, as it would be. */
export type PlanAnswer = Omit<Plan, 'owners'> & { readonly epoch: number; readonly owners: readonly string[] };

export function planRoutes(app: Hono, admin: Admin): void {
  app.post('/v1/plan', async (context) => {
    const { changes } = await bodyOf(context, planBody);
    const { ring } = await lookWithRing(admin);
    if (ring.transition !== null)
      throw new Problem(
        'NOT_ALLOWED',
        `a transition is under way since epoch ${ring.transition.startedAt}: what comes next is planned when it has ended`,
      );
    const changed = changes.reduce((before, change, index) => applied(before, operationOf(before, change, index), index), ring);
    const { owners, ...plan } = planOwners(changed);
    const answer: PlanAnswer = { ...plan, epoch: ring.epoch, owners: Array.from(owners, (owner) => changed.members[owner]?.name ?? '') };
    return context.json(answer);
  });
}

/** As if it were decided. */
function applied(ring: RingState, operation: Operation, index: number): RingState {
  const result = applyOperation(ring, { operationId: idOf(index), operation });
  if (!result.ok) throw new Problem(result.code, result.message);
  return result.ring;
}

function operationOf(ring: RingState, change: PlannedChange, index: number): Operation {
  switch (change.type) {
    case 'join': {
      const { name, capacity, dataCenter, rack } = change;
      const id = idOf(0x1000 + index);
      const address = { node: `${name}.planned`, host: 'planned', ports: [1, 2] };
      return { type: 'addMember', member: { id, name, address, dataCenter, rack, capacity, shards: 1 } };
    }
    case 'leave':
      return { type: 'removeMember', id: memberOf(ring, change.name).id };
    case 'capacity':
      return { type: 'setCapacity', id: memberOf(ring, change.name).id, capacity: change.capacity };
  }
}

/** Of what is only planned. */
function idOf(number: number): string {
  return `f${number.toString(16).padStart(31, '0')}`;
}
