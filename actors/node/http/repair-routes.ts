/** `/v1/repairs`: comparing all that this node has with all other replicas of it, as a job: begun, looked at, cancelled. Jobs are in memory, and end with the node. */
import type { Hono } from 'hono';
import type { RepairCommand } from '../../repair/repair-protocol.ts';
import type { RepairProgress } from '../../repair/repair-queue.ts';
import type { Admin } from '../admin.ts';
import { emptyBody, repairBody } from './bodies.ts';
import { Problem } from './problems.ts';
import { bodyOf, lookWithRing } from './requests.ts';

/** Of all shards together. Counts as RepairProgress has them. */
export interface RepairAnswer extends Omit<RepairProgress, 'jobId'> {
  readonly id: string;
  /** Shards that did not say how far they are, or have forgotten it. */
  readonly silentShards: number;
}

export function repairRoutes(app: Hono, admin: Admin): void {
  app.post('/v1/repairs', async (context) => {
    const { keyspace: name, dryRun, direction } = await bodyOf(context, repairBody);
    const { ring } = await lookWithRing(admin);
    const keyspace = name === undefined ? null : ring.keyspaces.find((it) => it.name === name)?.id;
    if (keyspace === undefined) throw new Problem('NOT_FOUND', `no keyspace ${JSON.stringify(name)}`);
    const command: RepairCommand = { type: 'startRepair', jobId: admin.newId(), keyspace, direction: dryRun ? 'dryRun' : direction };
    return context.json(await answerOf(admin, command), 202);
  });
  app.get('/v1/repairs/:id', async (context) =>
    context.json(await answerOf(admin, { type: 'lookAtRepair', jobId: context.req.param('id') })),
  );
  app.delete('/v1/repairs/:id', async (context) => {
    await bodyOf(context, emptyBody);
    return context.json(await answerOf(admin, { type: 'cancelRepair', jobId: context.req.param('id') }));
  });
}

async function answerOf(admin: Admin, command: RepairCommand): Promise<RepairAnswer> {
  const shards = await admin.repair(command);
  const told = shards.filter((progress) => progress !== null);
  if (told.length === 0) throw new Problem('NOT_FOUND', `no repair ${JSON.stringify(command.jobId)} on this node`);
  const sum = (of: (progress: RepairProgress) => number): number => told.reduce((total, progress) => total + of(progress), 0);
  return {
    id: command.jobId,
    state: told.find(({ state }) => state !== 'done')?.state ?? 'done',
    total: sum(({ total }) => total),
    done: sum(({ done }) => done),
    incomplete: sum(({ incomplete }) => incomplete),
    differing: sum(({ differing }) => differing),
    pushed: sum(({ pushed }) => pushed),
    pulled: sum(({ pulled }) => pulled),
    unconfirmed: sum(({ unconfirmed }) => unconfirmed),
    failed: sum(({ failed }) => failed),
    valueBytes: sum(({ valueBytes }) => valueBytes),
    fault: told.find(({ fault }) => fault !== '')?.fault ?? '',
    silentShards: shards.length - told.length,
  };
}
