/** `dynactor leave|remove|capacity|plan`: who is a member, and what that moves. */
import { type Command, InvalidArgumentError } from 'commander';
import type { PlannedChange } from '../http/bodies.ts';
import type { PlanAnswer } from '../http/plan-routes.ts';
import type { Aborted } from '../http/transition-routes.ts';
import { wholeNumber } from './numbers.ts';
import { formatTable, percent } from './output.ts';
import { sessionOf, withTarget } from './target.ts';

interface Done {
  readonly name: string;
  readonly epoch: number;
}

type PlanChange = { readonly type: PlannedChange['type']; readonly name: string } & Readonly<Record<string, string | number>>;

export function addMemberCommands(program: Command): void {
  withTarget(program.command('leave'))
    .argument('<name>', 'a member that is up')
    .description('let a member hand over what it owns and go; its process ends when it is gone')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Done>('POST', `/v1/members/${encodeURIComponent(name)}/leave`);
      session.print(done, ({ epoch }) => `member ${name} leaves, since epoch ${epoch}; \`dynactor status\` shows how far it is`);
    });
  withTarget(program.command('remove'))
    .argument('<name>', 'a member that is down')
    .requiredOption('--yes', 'that it never comes back')
    .description('take out a member that is lost for good: others get what it owned, from the replicas that are left')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Done>('DELETE', `/v1/members/${encodeURIComponent(name)}`);
      session.print(done, ({ epoch }) => `member ${name} is being removed, since epoch ${epoch}`);
    });
  withTarget(program.command('capacity'))
    .argument('<name>')
    .argument('<count>', 'share of the data relative to the others, 1 to 65535', number)
    .description('change the share of the data that a member holds')
    .action(async (name: string, capacity: number, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Done>('PUT', `/v1/members/${encodeURIComponent(name)}/capacity`, { capacity });
      session.print(done, ({ epoch }) => `member ${name} has capacity ${capacity}, since epoch ${epoch}`);
    });
  withTarget(program.command('abort'))
    .description(
      'take back the change of owners under way, as long as reads have not moved; members that are joining are not taken in, and their processes end. A new capacity has to be set back first',
    )
    .action(async (_options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Aborted>('DELETE', '/v1/transition');
      session.print(
        done,
        ({ epoch, dropped }) => `taken back at epoch ${epoch}${dropped.length === 0 ? '' : `; not taken in: ${dropped.join(', ')}`}`,
      );
    });
  withTarget(program.command('plan'))
    .description(
      'what changes would move, as if they were made in this order; without one: what the ring waits for now. Nothing is changed',
    )
    .option('--join <name[:capacity[:dc[:rack]]]>', 'a new member; may be repeated', collect(joinOf), [])
    .option('--leave <name>', 'a member that leaves; may be repeated', collect(leaveOf), [])
    .option('--capacity <name:count>', 'another capacity of a member; may be repeated', collect(capacityOf), [])
    .action(async (options: Readonly<Record<'join' | 'leave' | 'capacity', readonly PlanChange[]>>, command: Command) => {
      const session = sessionOf(command);
      const changes = [...options.join, ...options.capacity, ...options.leave];
      session.print(await session.call<PlanAnswer>('POST', '/v1/plan', { changes }), planTable);
    });
}

function planTable(plan: PlanAnswer): string {
  const { epoch, isNeeded, moved, movedShare, n, imbalanceBefore, imbalanceAfter, warnings } = plan;
  const summary = isNeeded
    ? `${moved} replicas of partitions would be copied (${percent(movedShare)} of all, n = ${n}); load max/mean ${imbalanceBefore.toFixed(3)} -> ${imbalanceAfter.toFixed(3)}`
    : 'nothing would move';
  const table = formatTable({
    head: ['NAME', 'OWNS', 'WOULD OWN', 'HOLDS', 'WOULD HOLD', 'GETS', 'DROPS'],
    rows: plan.members.map((m) => [m.name, m.ownedBefore, m.ownedAfter, m.heldBefore, m.heldAfter, m.gained, m.lost]),
    right: [1, 2, 3, 4, 5, 6],
  });
  return [`from epoch ${epoch}: ${summary}`, table, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
}

function joinOf(text: string): PlanChange {
  const [name, capacity, dataCenter, rack, more] = text.split(':');
  if (name === undefined || name === '' || more !== undefined) throw new InvalidArgumentError('Expected name[:capacity[:dc[:rack]]].');
  return {
    type: 'join',
    name,
    ...(capacity === undefined || capacity === '' ? {} : { capacity: number(capacity) }),
    ...(dataCenter === undefined ? {} : { dataCenter }),
    ...(rack === undefined ? {} : { rack }),
  };
}

function leaveOf(name: string): PlanChange {
  return { type: 'leave', name };
}

function capacityOf(text: string): PlanChange {
  const match = /^([^:]+):(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected name:count.');
  return { type: 'capacity', name: match[1]!, capacity: number(match[2]!) };
}

function collect(parse: (text: string) => PlanChange): (text: string, before: readonly PlanChange[]) => readonly PlanChange[] {
  return (text, before) => [...before, parse(text)];
}

const number = wholeNumber(0, Number.MAX_SAFE_INTEGER);
