#!/usr/bin/env node
/** The `dynactor` command. */
import { Command, CommanderError } from 'commander';
import { addClusterCommand } from './actors/node/cli/cluster-command.ts';
import { addKeyCommands } from './actors/node/cli/key-commands.ts';
import { addKeyspaceCommand } from './actors/node/cli/keyspace-command.ts';
import { addMemberCommands } from './actors/node/cli/member-commands.ts';
import { wholeNumber } from './actors/node/cli/numbers.ts';
import { addPingCommand } from './actors/node/cli/ping-command.ts';
import { addRepairCommand } from './actors/node/cli/repair-command.ts';
import { addReplCommand } from './actors/node/cli/repl-command.ts';
import { addRingCommand } from './actors/node/cli/ring-command.ts';
import { addScanCommand } from './actors/node/cli/scan-command.ts';
import { addStartCommand } from './actors/node/cli/start-command.ts';
import { addStatusCommand } from './actors/node/cli/status-command.ts';
import { errorMessage } from './runtime/errors.ts';
import type { DumpOptions } from './storage/embedded/tools.ts';

const EXIT_USAGE = 2;
const LIMIT = ['--limit <lines>', 'lines at most; 0: all', wholeNumber(0, 1_000_000_000), 1_000] as const;
const program = new Command('dynactor')
  .description('A node of a cluster, the commands that look after it, and tools for databases')
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride();

addStartCommand(program);
addClusterCommand(program);
addKeyCommands(program);
addScanCommand(program);
addRepairCommand(program, async (dir, { json, dryRun }) => endWith(await (await tools()).repairTool(dir, { write, json, dryRun })));
addReplCommand(program);
addStatusCommand(program);
addRingCommand(program);
addKeyspaceCommand(program);
addMemberCommands(program);
addPingCommand(program);

interface JsonOption {
  readonly json: boolean;
}

program
  .command('scrub')
  .description('verify every checksum of a database that nobody has open; exit code 1 when anything is damaged')
  .argument('<dir>', 'directory of the database')
  .option('--json', 'a JSON object per file', false)
  .action(async (dir: string, { json }: JsonOption) => endWith(await (await tools()).scrubTool(dir, { write, json })));

program
  .command('checkpoint')
  .description('copy a database that nobody has open, as it is now; tables become hard links')
  .argument('<dir>', 'directory of the database')
  .argument('<to>', 'directory of the copy, which is made, on the same disk')
  .action(async (dir: string, to: string) => (await tools()).checkpointTool(dir, to, { write }));

const sst = program.command('sst').description('look into a table of a database');
sst
  .command('dump')
  .description('properties, range deletes and blocks')
  .argument('<file>', 'a table, such as 000012.sst')
  .option('--entries', 'each entry too', false)
  .option(...LIMIT)
  .action(async (file: string, { limit, entries }: DumpOptions & { readonly entries: boolean }) =>
    (await tools()).dumpTableTool(file, { write, limit, entries }),
  );
sst
  .command('verify')
  .description('check all of it; exit code 1 when it is damaged')
  .argument('<file>', 'a table, such as 000012.sst')
  .option('--json', 'as a JSON object', false)
  .action(async (file: string, { json }: JsonOption) => endWith((await tools()).verifyTableTool(file, { write, json })));

program
  .command('wal')
  .description('look into a commit log')
  .command('dump')
  .description('groups and records of a segment')
  .argument('<file>', 'a segment, such as 000012.log')
  .option(...LIMIT)
  .action(async (file: string, { limit }: DumpOptions) => (await tools()).dumpLogTool(file, { write, limit }));

program
  .command('manifest')
  .description('look into a manifest')
  .command('dump')
  .description('its edits, and the tables of each level')
  .argument('<file>', 'a manifest, such as MANIFEST-000012')
  .option(...LIMIT)
  .action(async (file: string, { limit }: DumpOptions) => (await tools()).dumpManifestTool(file, { write, limit }));

// Whoever reads may have had enough.
process.stdout.on('error', (error: Error & { readonly code?: string }) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

/** 0 done, 1 error, 2 usage; 3, set by the command: asked and answered, and not as one would wish: degraded, or no such key. */
program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong, or helped.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
    return;
  }
  process.stderr.write(`dynactor: ${errorMessage(error)}\n`);
  process.exitCode = 1;
});

/** Why so late: commands that talk to nodes don't wait for the storage engine. */
function tools(): Promise<typeof import('./storage/embedded/tools.ts')> {
  return import('./storage/embedded/tools.ts');
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

function endWith(isSound: boolean): void {
  if (!isSound) process.exitCode = 1;
}
