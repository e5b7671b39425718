/** `dynactor ring` and `dynactor ring force`. */
import type { Command } from 'commander';
import type { ReplicasAnswer } from '../http/keyspace-routes.ts';
import type { RingAnswer } from '../http/ring-routes.ts';
import { formatTable, percent, ranges } from './output.ts';
import { sessionOf, withTarget } from './target.ts';

export function addRingCommand(program: Command): void {
  const ring = withTarget(program.command('ring'))
    .description('the ring that a node has: who owns what, epoch, keyspaces')
    .option('--partitions', 'a line for each partition', false)
    .option('--keyspace <name>', 'a line for each partition, with the replicas of this keyspace')
    .action(async (options: { readonly partitions: boolean; readonly keyspace?: string }, command: Command) => {
      const session = sessionOf(command);
      if (options.keyspace !== undefined) {
        const path = `/v1/keyspaces/${encodeURIComponent(options.keyspace)}/replicas`;
        session.print(await session.call<ReplicasAnswer>('GET', path), replicaTable);
        return;
      }
      session.print(await session.call<RingAnswer>('GET', '/v1/ring'), options.partitions ? partitionTable : ringTable);
    });
  withTarget(ring.command('force'))
    .description(
      'when most voters are lost for good: go on with the survivors alone, in a new generation. What was only on the others is lost',
    )
    .requiredOption('--survivors <names>', 'all that are left, the asked node among them: name[,name...]')
    .requiredOption('--yes', 'that the others are stopped and never come back')
    .action(async ({ survivors }: { readonly survivors: string }, command: Command) => {
      const session = sessionOf(command);
      const names = survivors.split(',').map((name) => name.trim());
      const done = await session.call<{ generation: number; epoch: number }>('POST', '/v1/ring/force', { survivors: names });
      session.print(done, ({ generation, epoch }) => `forced: generation ${generation}, epoch ${epoch}`);
    });
}

function heading({ clusterName, cluster, generation, epoch, hash, partitions, transition }: RingAnswer): string {
  const moving = transition === null ? '' : `\ntransition since epoch ${transition.startedAt}: ${transition.step}`;
  return `cluster ${clusterName} (${cluster}), generation ${generation}, epoch ${epoch}, hash ${hash}, ${partitions} partitions${moving}`;
}

function ringTable(ring: RingAnswer): string {
  const owned = (name: string): number[] => ring.owners.flatMap((owner, partition) => (owner === name ? [partition] : []));
  const members = [...ring.members].sort((a, b) => (a.name < b.name ? -1 : 1));
  const table = formatTable({
    head: ['NAME', 'STATE', 'PARTITIONS', 'SHARE', 'OWNS'],
    rows: members.map(({ name, state, partitions }) => [
      name,
      state,
      partitions,
      percent(partitions / ring.partitions),
      shortened(ranges(owned(name))),
    ]),
    right: [2, 3],
  });
  return [heading(ring), table, keyspaceTable(ring.keyspaces)].join('\n');
}

function partitionTable(ring: RingAnswer): string {
  const rows = ring.owners.map((owner, partition) => {
    const next = ring.transition?.owners[partition];
    return [partition, owner, next === undefined || next === owner ? '' : next];
  });
  return [heading(ring), formatTable({ head: ['PARTITION', 'OWNER', 'NEXT'], rows, right: [0] })].join('\n');
}

function replicaTable({ keyspace, epoch, partitions }: ReplicasAnswer): string {
  const rows = partitions.map(({ replicas, standIns }, partition) => [partition, replicas.join(' '), standIns.join(' ')]);
  return [`keyspace ${keyspace}, epoch ${epoch}`, formatTable({ head: ['PARTITION', 'REPLICAS', 'STAND-INS'], rows, right: [0] })].join(
    '\n',
  );
}

export function keyspaceTable(keyspaces: RingAnswer['keyspaces']): string {
  if (keyspaces.length === 0) return 'no keyspaces';
  return formatTable({
    head: ['KEYSPACE', 'ID', 'N', 'R', 'W', 'PR', 'PW', 'MODE', 'CONFLICT', 'DURABILITY', 'TTL MS', 'KEY MAX', 'VALUE MAX'],
    rows: keyspaces.map((k) => [
      k.name,
      k.id,
      k.n,
      k.r,
      k.w,
      k.pr,
      k.pw,
      k.mode,
      k.conflict,
      k.durability,
      k.ttlMs,
      k.keyBytesMax,
      k.valueBytesMax,
    ]),
    right: [1, 2, 10, 11, 12],
  });
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, text.lastIndexOf(',', 57))}, ...`;
}
