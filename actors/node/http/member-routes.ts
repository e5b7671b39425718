/** `/v1/members`: members leave, are removed, and change their capacity. */
import type { Hono } from 'hono';
import type { Member } from '../../ring/ring-state.ts';
import type { Admin, Snapshot } from '../admin.ts';
import { capacityBody, emptyBody } from './bodies.ts';
import { Problem, settledAt } from './problems.ts';
import { bodyOf, lookWithRing, memberOf } from './requests.ts';
import { statusOf } from './status.ts';

export function memberRoutes(app: Hono, admin: Admin): void {
  app.get('/v1/members', async (context) => context.json({ members: statusOf(admin, await lookWithRing(admin)).members }));
  app.get('/v1/members/:name', async (context) => {
    const look = await lookWithRing(admin);
    const { id } = memberOf(look.ring, context.req.param('name'));
    return context.json(statusOf(admin, look).members.find((member) => member.id === id));
  });
  // Of one that is up: it hands over what it owns, and goes.
  app.post('/v1/members/:name/leave', async (context) => {
    await bodyOf(context, emptyBody);
    const look = await lookWithRing(admin);
    const member = memberOf(look.ring, context.req.param('name'));
    if (isDown(look, member))
      throw new Problem(
        'NOT_ALLOWED',
        `member ${member.name} is down and can't hand anything over: \`dynactor remove ${member.name}\` takes it out`,
      );
    return context.json({ name: member.name, ...settledAt(await admin.propose({ type: 'removeMember', id: member.id })) });
  });
  // Of one that is down for good: nobody waits for it.
  app.delete('/v1/members/:name', async (context) => {
    await bodyOf(context, emptyBody);
    const look = await lookWithRing(admin);
    const member = memberOf(look.ring, context.req.param('name'));
    if (!isDown(look, member))
      throw new Problem(
        'NOT_ALLOWED',
        `member ${member.name} is not down: \`dynactor leave ${member.name}\` lets it hand over what it owns`,
      );
    if (member.state !== 'joining' && !member.isExcluded) settledAt(await admin.propose({ type: 'excludeMember', id: member.id }));
    return context.json({ name: member.name, ...settledAt(await admin.propose({ type: 'removeMember', id: member.id })) });
  });
  app.put('/v1/members/:name/capacity', async (context) => {
    const { capacity } = await bodyOf(context, capacityBody);
    const { ring } = await lookWithRing(admin);
    const { id, name } = memberOf(ring, context.req.param('name'));
    return context.json({ name, ...settledAt(await admin.propose({ type: 'setCapacity', id, capacity })) });
  });
}

function isDown({ view }: Snapshot, { id }: Member): boolean {
  return view?.members.some((seen) => seen.id === id && seen.label === 'down') === true;
}
