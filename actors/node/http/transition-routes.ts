/** `/v1/transition`: the change of owners under way: how far it is on this node, and the way back. */
import type { Hono } from 'hono';
import type { Admin } from '../admin.ts';
import { emptyBody } from './bodies.ts';
import { Problem, settledAt } from './problems.ts';
import { bodyOf, lookWithRing } from './requests.ts';
import { statusNow } from './status.ts';

export interface Aborted {
  readonly epoch: number;
  /** Names of members that were joining, and are not taken in. */
  readonly dropped: readonly string[];
}

export function transitionRoutes(app: Hono, admin: Admin): void {
  app.get('/v1/transition', async (context) => {
    const { epoch, transition, copying } = await statusNow(admin);
    return context.json({ epoch, transition, copying });
  });
  // Who was joining goes, or the ring would begin the same again.
  app.delete('/v1/transition', async (context) => {
    await bodyOf(context, emptyBody);
    const { ring } = await lookWithRing(admin);
    if (ring.transition === null) throw new Problem('NOT_ALLOWED', 'no change of owners is under way');
    const leaving = ring.members.find(({ state }) => state === 'leaving');
    if (leaving !== undefined)
      throw new Problem(
        'NOT_ALLOWED',
        `member ${leaving.name} leaves, and can't be kept: what is taken back now would begin again at once`,
      );
    let { epoch } = settledAt(await admin.propose({ type: 'cancelTransition', startedAt: ring.transition.startedAt }));
    const dropped: string[] = [];
    for (const { id, name, state } of ring.members) {
      if (state !== 'joining') continue;
      ({ epoch } = settledAt(await admin.propose({ type: 'removeMember', id })));
      dropped.push(name);
    }
    const aborted: Aborted = { epoch, dropped };
    return context.json(aborted);
  });
}
