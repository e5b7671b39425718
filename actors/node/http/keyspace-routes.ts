/** `/v1/keyspaces`. */
import type { Hono } from 'hono';
import type { Keyspace, RingState } from '../../ring/ring-state.ts';
import type { Admin } from '../admin.ts';
import { emptyBody, keyspaceChangesBody, newKeyspaceBody } from './bodies.ts';
import { Problem, settledAt } from './problems.ts';
import { bodyOf, lookWithRing } from './requests.ts';

export function keyspaceRoutes(app: Hono, admin: Admin): void {
  app.get('/v1/keyspaces', async (context) => context.json({ keyspaces: (await lookWithRing(admin)).ring.keyspaces }));
  app.get('/v1/keyspaces/:name', async (context) => {
    return context.json(keyspaceOf((await lookWithRing(admin)).ring, context.req.param('name')));
  });
  app.post('/v1/keyspaces', async (context) => {
    const keyspace = await bodyOf(context, newKeyspaceBody);
    return context.json({ name: keyspace.name, ...settledAt(await admin.propose({ type: 'createKeyspace', keyspace })) }, 201);
  });
  app.patch('/v1/keyspaces/:name', async (context) => {
    const name = context.req.param('name');
    const changes = defined(await bodyOf(context, keyspaceChangesBody));
    return context.json({ name, ...settledAt(await admin.propose({ type: 'alterKeyspace', name, changes })) });
  });
  app.delete('/v1/keyspaces/:name', async (context) => {
    await bodyOf(context, emptyBody);
    const name = context.req.param('name');
    return context.json({ name, ...settledAt(await admin.propose({ type: 'dropKeyspace', name })) });
  });
}

function keyspaceOf(ring: RingState, name: string): Keyspace {
  const found = ring.keyspaces.find((keyspace) => keyspace.name === name);
  if (found === undefined) throw new Problem('NOT_FOUND', `no keyspace ${JSON.stringify(name)}`);
  return found;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}
