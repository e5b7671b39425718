/** `dynactor status`. */
import type { Command } from 'commander';
import type { ClusterStatus, MemberStatus } from '../http/status.ts';
import { formatTable, percent } from './output.ts';
import { EXIT_DEGRADED, sessionOf, withTarget } from './target.ts';

export function addStatusCommand(program: Command): void {
  withTarget(program.command('status'))
    .description('members of the cluster, and how they are; exit code 3 when one is down or the asked node takes no part')
    .action(async (_options: unknown, command: Command) => {
      const session = sessionOf(command);
      const status = await session.call<ClusterStatus>('GET', '/v1/status');
      session.print(status, statusTable);
      if (!status.isWell) process.exitCode = EXIT_DEGRADED;
    });
}

export function statusTable(status: ClusterStatus): string {
  const { clusterName, cluster, generation, epoch, transition, copying, purgeBlocked, node, trouble, isConfirmed } = status;
  const lines =
    cluster === ''
      ? [`node ${node.name} is in no ring yet`]
      : [
          `cluster ${clusterName} (${cluster}), generation ${generation}, epoch ${epoch}, asked node ${node.name}, Redis clients ${node.resp.host}:${node.resp.port}`,
        ];
  if (transition !== null)
    lines.push(`transition since epoch ${transition.startedAt}: ${transition.step}, ${transition.partitionsMoving} partitions move`);
  if (copying !== null) {
    const { moves, movesLeft, bytes, leftMs } = copying;
    const left = leftMs === 0 ? '' : `, about ${Math.ceil(leftMs / 1_000)} s left`;
    lines.push(`node ${node.name} has copied ${moves - movesLeft} of ${moves} ranges, ${(bytes / 1_048_576).toFixed(1)} MiB${left}`);
  }
  for (const { why, partitions } of purgeBlocked)
    lines.push(`not purged: what was deleted or has expired in ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}: ${why}`);
  if (trouble !== '') lines.push(`trouble: ${trouble}`);
  else if (cluster !== '' && !isConfirmed) lines.push('trouble: the asked node is not registered with a majority');
  const head = ['NAME', 'STATE', 'DATA CENTER', 'RACK', 'CAPACITY', 'SHARE', 'EPOCH', 'ADDRESS'];
  const members = [...status.members].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [...lines, formatTable({ head, rows: members.map(row), right: [4, 5, 6] })].join('\n');
}

function row(member: MemberStatus): readonly (string | number)[] {
  const { name, state, isSuspected, isExcluded, dataCenter, rack, capacity, share, epoch, address } = member;
  const marks = `${isSuspected && state !== 'DOWN' ? '?' : ''}${isExcluded ? ' excluded' : ''}`;
  return [
    name,
    `${state}${marks}`,
    dataCenter,
    rack,
    capacity,
    percent(share),
    epoch === 0 ? '-' : epoch,
    address.slice(address.indexOf('@') + 1),
  ];
}
