/** `dynactor keyspace list|create|alter|drop`. */
import type { Command } from 'commander';
import type { RingAnswer } from '../http/ring-routes.ts';
import { keyspaceTable } from './ring-command.ts';
import { conflictOption, rulesOf, withLimits, withPrimaries, withReplication } from './rules.ts';
import { sessionOf, withTarget } from './target.ts';

interface Done {
  readonly name: string;
  readonly epoch: number;
}

export function addKeyspaceCommand(program: Command): void {
  const keyspace = program.command('keyspace').description('keyspaces: what is stored under which rules');
  withTarget(keyspace.command('list'))
    .description('all keyspaces')
    .action(async (_options: unknown, command: Command) => {
      const session = sessionOf(command);
      const { keyspaces } = await session.call<Pick<RingAnswer, 'keyspaces'>>('GET', '/v1/keyspaces');
      session.print(keyspaces, keyspaceTable);
    });
  withLimits(withPrimaries(withReplication(withTarget(keyspace.command('create'))), true), true)
    .argument('<name>', '1 to 64 of [A-Za-z0-9_-]')
    .addOption(conflictOption())
    .description('make a keyspace')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const body = { name, ...rulesOf(command) };
      session.print(
        await session.call<Done>('POST', '/v1/keyspaces', body),
        ({ epoch }) => `keyspace ${name} is there, since epoch ${epoch}`,
      );
    });
  withLimits(withPrimaries(withReplication(withTarget(keyspace.command('alter')), null), false), false)
    .argument('<name>')
    .description('change the rules of a keyspace')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Done>('PATCH', `/v1/keyspaces/${encodeURIComponent(name)}`, rulesOf(command));
      session.print(done, ({ epoch }) => `keyspace ${name} is changed, since epoch ${epoch}`);
    });
  withTarget(keyspace.command('drop'))
    .argument('<name>')
    .requiredOption('--yes', 'that all in it is to be lost')
    .description('drop a keyspace and all that is in it')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = sessionOf(command);
      const done = await session.call<Done>('DELETE', `/v1/keyspaces/${encodeURIComponent(name)}`);
      session.print(done, ({ epoch }) => `keyspace ${name} is gone, since epoch ${epoch}`);
    });
}
