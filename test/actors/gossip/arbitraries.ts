/** Heartbeats and accusations to merge. */
import { fc } from '@fast-check/ava';
import type { Accusation, Heartbeat } from '../../../actors/gossip-protocol.ts';
import { idOf } from './world.ts';

export function beatOf(index: number, boot: number, incarnation: number, heartbeat: number, epoch = 1): Heartbeat {
  return { id: idOf(index), boot, incarnation, heartbeat, switchedTo: { generation: 1, epoch } };
}

export function accusationOf(accused: number, accuser: number, boot = 1, incarnation = 0): Accusation {
  return { accused: idOf(accused), accuser: idOf(accuser), boot, incarnation };
}

/** Of one of so many members; numbers so small that they often meet. */
export function beat(members: number): fc.Arbitrary<Heartbeat> {
  const small = fc.nat(3);
  return fc
    .tuple(fc.nat(members - 1), fc.integer({ min: 1, max: 3 }), small, small, fc.integer({ min: 1, max: 2 }))
    .map((fields) => beatOf(...fields));
}

export function beats(members: number): fc.Arbitrary<Heartbeat[]> {
  return fc.array(beat(members), { maxLength: 20 });
}
