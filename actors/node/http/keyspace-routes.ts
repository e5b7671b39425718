/** `/v1/keyspaces`. */
import type { Hono } from 'hono';
import { PreferenceLists } from '../../ring/preference-list.ts';
import type { Keyspace, RingState } from '../../ring/ring-state.ts';
import type { Admin } from '../admin.ts';
import { emptyBody, keyspaceChangesBody, newKeyspaceBody } from './bodies.ts';
import { Problem, settledAt } from './problems.ts';
import { bodyOf, lookWithRing } from './requests.ts';

/** Names, best first: of each partition the replicas that reads ask, then who stands in for them. */
export interface ReplicasAnswer {
  readonly keyspace: string;
  readonly epoch: number;
  readonly partitions: readonly { readonly replicas: readonly string[]; readonly standIns: readonly string[] }[];
}

export function keyspaceRoutes(app: Hono, admin: Admin): void {
  app.get('/v1/keyspaces', async (context) => context.json({ keyspaces: (await lookWithRing(admin)).ring.keyspaces }));
  app.get('/v1/keyspaces/:name', async (context) => {
    return context.json(keyspaceOf((await lookWithRing(admin)).ring, context.req.param('name')));
  });
  app.get('/v1/keyspaces/:name/replicas', async (context) => {
    const { ring } = await lookWithRing(admin);
    return context.json(replicasOf(ring, keyspaceOf(ring, context.req.param('name'))));
  });
  app.post('/v1/keyspaces', async (context) => {
    const keyspace = await bodyOf(context, newKeyspaceBody);
    return context.json({ name: keyspace.name, ...settledAt(await admin.propose({ type: 'createKeyspace', keyspace })) }, 201);
  });
  app.patch('/v1/keyspaces/:name', async (context) => {
    const name = context.req.param('name');
    const changes = await bodyOf(context, keyspaceChangesBody);
    return context.json({ name, ...settledAt(await admin.propose({ type: 'alterKeyspace', name, changes })) });
  });
  app.delete('/v1/keyspaces/:name', async (context) => {
    await bodyOf(context, emptyBody);
    const name = context.req.param('name');
    return context.json({ name, ...settledAt(await admin.propose({ type: 'dropKeyspace', name })) });
  });
}

function replicasOf(ring: RingState, { name, n }: Keyspace): ReplicasAnswer {
  const { members, stride, primaries } = new PreferenceLists(ring).of(n).read;
  const partitions = Array.from(ring.owners, (_, partition) => {
    const list = Array.from(members.subarray(partition * stride, (partition + 1) * stride), (index) => ring.members[index]?.name ?? '');
    return { replicas: list.slice(0, primaries), standIns: list.slice(primaries) };
  });
  return { keyspace: name, epoch: ring.epoch, partitions };
}

function keyspaceOf(ring: RingState, name: string): Keyspace {
  const found = ring.keyspaces.find((keyspace) => keyspace.name === name);
  if (found === undefined) throw new Problem('NOT_FOUND', `no keyspace ${JSON.stringify(name)}`);
  return found;
}
