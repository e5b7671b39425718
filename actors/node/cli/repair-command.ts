/** `dynactor repair`: of the replicas of a running node, or, with a directory, of a damaged database that nobody has open. */
import { type Command, Option } from 'commander';
import type { RepairAnswer } from '../http/repair-routes.ts';
import { EXIT_DEGRADED, type Session, sessionOf, withTarget } from './target.ts';

interface DatabaseOptions {
  readonly dryRun: boolean;
  readonly json: boolean;
}

interface RepairOptions extends DatabaseOptions {
  readonly keyspace?: string;
  readonly direction: string;
}

const LOOK_MS = 500;

/** `ofDatabase`: what the command does with a directory. */
export function addRepairCommand(program: Command, ofDatabase: (dir: string, options: DatabaseOptions) => Promise<void>): void {
  withTarget(program.command('repair'))
    .argument(
      '[dir]',
      'directory of a database, which nobody has open: makes it open again, keeps what can be read, says what is lost and moves it into lost/',
    )
    .option('--keyspace <name>', 'of this keyspace alone')
    .option('--dry-run', 'count what differs, and move nothing; of a database: change nothing, exit code 1 when anything is damaged', false)
    .option('--json', 'of a database: a JSON object per line', false)
    .addOption(
      new Option('--direction <direction>', 'what the asked node does with what differs')
        .choices(['pushPull', 'push', 'pull'])
        .default('pushPull'),
    )
    .description(
      'compare all that a node has with all other replicas of it, and repair what differs; exit code 3 when some of it could not be',
    )
    .action(async (dir: string | undefined, { keyspace, dryRun, direction, json }: RepairOptions, command: Command) => {
      if (dir !== undefined) return ofDatabase(dir, { dryRun, json });
      const session = sessionOf(command);
      const body = { ...(keyspace === undefined ? {} : { keyspace }), dryRun, direction };
      const last = await untilOver(session, await session.call<RepairAnswer>('POST', '/v1/repairs', body));
      session.print(last, repairText);
      if (last.state !== 'done' || last.incomplete > 0 || last.silentShards > 0) process.exitCode = EXIT_DEGRADED;
    });
}

export function repairText({
  state,
  total,
  done,
  incomplete,
  differing,
  pushed,
  pulled,
  unconfirmed,
  failed,
  valueBytes,
  fault,
  silentShards,
}: RepairAnswer): string {
  const lines = [
    `repair ${state}: ${done} of ${total} exchanges`,
    `${differing} keys differ, ${pushed} pushed, ${pulled} pulled, ${valueBytes} bytes of records moved`,
  ];
  if (incomplete > 0)
    lines.push(`${incomplete} exchanges incomplete: ${unconfirmed} keys still change, ${failed} failed${fault === '' ? '' : `; ${fault}`}`);
  if (silentShards > 0) lines.push(`${silentShards} shards do not answer`);
  return lines.join('\n');
}

async function untilOver(session: Session, first: RepairAnswer): Promise<RepairAnswer> {
  let last = first;
  while (last.state === 'running') {
    if (process.stderr.isTTY) process.stderr.write(`\r${last.done} of ${last.total} exchanges, ${last.differing} keys differ `);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    last = await session.call<RepairAnswer>('GET', `/v1/repairs/${last.id}`);
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  return last;
}
