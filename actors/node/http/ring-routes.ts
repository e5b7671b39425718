/** `/v1/status`, `/v1/ring`, and the way out of a lost majority. */
import type { Hono } from 'hono';
import type { RingState } from '../../ring/ring-state.ts';
import type { Admin } from '../admin.ts';
import { forceBody } from './bodies.ts';
import { settledAt } from './problems.ts';
import { bodyOf, lookWithRing, memberOf } from './requests.ts';
import { partitionsOwned, type RingHead, ringHead, statusNow } from './status.ts';

export interface RingAnswer extends RingHead {
  readonly members: readonly { readonly id: string; readonly name: string; readonly state: string; readonly partitions: number }[];
  /** Name of each partition's owner. */
  readonly owners: readonly string[];
  readonly transition: { readonly startedAt: number; readonly step: string; readonly owners: readonly string[] } | null;
  readonly keyspaces: RingState['keyspaces'];
  readonly banned: readonly string[];
}

export function ringRoutes(app: Hono, admin: Admin): void {
  app.get('/v1/status', async (context) => context.json(await statusNow(admin)));
  app.get('/v1/ring', async (context) => {
    const { ring, hash } = await lookWithRing(admin);
    return context.json(ringAnswer(ring, hash));
  });
  app.post('/v1/ring/force', async (context) => {
    const { survivors } = await bodyOf(context, forceBody);
    const { ring } = await lookWithRing(admin);
    return context.json(settledAt(await admin.force(survivors.map((name) => memberOf(ring, name).id))));
  });
}

function ringAnswer(ring: RingState, hash: string): RingAnswer {
  const nameOf = (index: number): string => ring.members[index]?.name ?? '';
  const { transition, keyspaces, banned } = ring;
  return {
    ...ringHead(ring, hash),
    members: ring.members.map(({ id, name, state }, index) => ({
      id,
      name,
      state,
      partitions: partitionsOwned(ring, index),
    })),
    owners: Array.from(ring.owners, nameOf),
    transition:
      transition === null
        ? null
        : { startedAt: transition.startedAt, step: transition.step, owners: Array.from(transition.owners, nameOf) },
    keyspaces,
    banned,
  };
}
