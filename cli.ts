#!/usr/bin/env node
/** The `dynactor` command. */
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import type { LogLevel } from './runtime/doors.ts';
import { type Echoed, echoKey } from './runtime/echo.ts';
import { errorMessage } from './runtime/errors.ts';
import { RESPONSE } from './runtime/lanes.ts';
import { formatNodeAddress, type NodeAddress, parseNodeAddress } from './runtime/node-address.ts';
import { ActorSystem } from './runtime/system.ts';
import {
  checkpointTool,
  type DumpOptions,
  dumpLogTool,
  dumpManifestTool,
  dumpTableTool,
  repairTool,
  scrubTool,
  verifyTableTool,
} from './storage/embedded/tools.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const LIMIT = ['--limit <lines>', 'lines at most; 0: all', wholeNumber(0, 1_000_000_000), 1_000] as const;
const program = new Command('dynactor')
  .description('Typed actors on threads and machines, and the storage engine beside them')
  .showHelpAfterError();

interface StartOptions {
  readonly name: string;
  readonly cluster: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly shards: number;
  readonly module: readonly string[];
  readonly peer: readonly NodeAddress[];
  readonly logLevel: LogLevel | 'silent';
  readonly statsEvery: number;
}

program
  .command('start')
  .description('run a node until it is told to stop (Ctrl-C or SIGTERM)')
  .option('--name <name>', 'name of the node, unique in its cluster', 'a')
  .option('--cluster <name>', 'name of the cluster; nodes of another one are refused', 'dynactor')
  .option('--listen <host:port>', 'address of the main thread; shard s listens at port + 1 + s (port 0: any free ones)', hostAndPort, {
    host: '127.0.0.1',
    port: 7000,
  })
  .option('--shards <count>', 'worker threads that run actors', wholeNumber(0, 256), Math.max(1, availableParallelism() - 1))
  .option(
    '--module <file>',
    'module with actor definitions, jobs and `startShard`; may be repeated',
    collect<string>((text) => text),
    [],
  )
  .option('--peer <address>', 'another node, name@host:port[,port...]; may be repeated', collect(nodeAddress), [])
  .option('--log-level <level>', LOG_LEVELS.join(', '), oneOf(LOG_LEVELS), 'info')
  .option('--stats-every <seconds>', 'write the counters to the log so often; 0: never', wholeNumber(0, 86_400), 0)
  .action(start);

interface PingOptions {
  readonly cluster: string;
  readonly count: number;
  readonly size: number;
  readonly timeout: number;
}

program
  .command('ping')
  .description('ask the echo actors of a running node, and say how long they took')
  .argument('<address>', 'the node, as `dynactor start` printed it: name@host:port[,port...]', nodeAddress)
  .option('--cluster <name>', 'name of its cluster', 'dynactor')
  .option('--count <n>', 'asks per shard, one after the other', wholeNumber(1, 10_000_000), 1000)
  .option('--size <bytes>', 'payload', wholeNumber(0, 1_048_576), 100)
  .option('--timeout <ms>', 'for each ask', wholeNumber(1, 600_000), 2000)
  .action(ping);

interface JsonOption {
  readonly json: boolean;
}

program
  .command('scrub')
  .description('verify every checksum of a database that nobody has open; exit code 1 when anything is damaged')
  .argument('<dir>', 'directory of the database')
  .option('--json', 'a JSON object per file', false)
  .action(async (dir: string, { json }: JsonOption) => endWith(await scrubTool(dir, { write, json })));

program
  .command('repair')
  .description('make a damaged database open again: keeps what can be read, says what is lost, moves what it takes out into lost/')
  .argument('<dir>', 'directory of the database, which nobody has open')
  .option('--dry-run', 'say what would be done, and change nothing; exit code 1 when anything is damaged', false)
  .option('--json', 'a JSON object per line', false)
  .action(async (dir: string, { json, dryRun }: JsonOption & { readonly dryRun: boolean }) => {
    endWith(await repairTool(dir, { write, json, dryRun }));
  });

program
  .command('checkpoint')
  .description('copy a database that nobody has open, as it is now; tables become hard links')
  .argument('<dir>', 'directory of the database')
  .argument('<to>', 'directory of the copy, which is made, on the same disk')
  .action((dir: string, to: string) => checkpointTool(dir, to, { write }));

const sst = program.command('sst').description('look into a table of a database');
sst
  .command('dump')
  .description('properties, range deletes and blocks')
  .argument('<file>', 'a table, such as 000012.sst')
  .option('--entries', 'each entry too', false)
  .option(...LIMIT)
  .action((file: string, { limit, entries }: DumpOptions & { readonly entries: boolean }) =>
    dumpTableTool(file, { write, limit, entries }),
  );
sst
  .command('verify')
  .description('check all of it; exit code 1 when it is damaged')
  .argument('<file>', 'a table, such as 000012.sst')
  .option('--json', 'as a JSON object', false)
  .action((file: string, { json }: JsonOption) => endWith(verifyTableTool(file, { write, json })));

program
  .command('wal')
  .description('look into a commit log')
  .command('dump')
  .description('groups and records of a segment')
  .argument('<file>', 'a segment, such as 000012.log')
  .option(...LIMIT)
  .action((file: string, { limit }: DumpOptions) => dumpLogTool(file, { write, limit }));

program
  .command('manifest')
  .description('look into a manifest')
  .command('dump')
  .description('its edits, and the tables of each level')
  .argument('<file>', 'a manifest, such as MANIFEST-000012')
  .option(...LIMIT)
  .action((file: string, { limit }: DumpOptions) => dumpManifestTool(file, { write, limit }));

// Whoever reads may have had enough.
process.stdout.on('error', (error: Error & { readonly code?: string }) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`dynactor: ${errorMessage(error)}\n`);
  process.exitCode = 1;
});

async function start(options: StartOptions): Promise<void> {
  const system = await ActorSystem.start({
    node: options.name,
    cluster: options.cluster,
    listen: options.listen,
    shards: options.shards,
    modules: [echoModule(), ...options.module.map((file) => pathToFileURL(file))],
    logLevel: options.logLevel,
  });
  for (const peer of options.peer) await system.introduce(peer);
  process.stdout.write(`dynactor: node ${formatNodeAddress(system.address)} is up; stop it with Ctrl-C\n`);
  const timer =
    options.statsEvery === 0
      ? undefined
      : setInterval(() => {
          system.stats().then(
            (stats) => system.log.info('stats', { stats }),
            (error: unknown) => system.log.warn('no stats', { error: errorMessage(error) }),
          );
        }, options.statsEvery * 1000);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  clearInterval(timer);
  await system.stop();
}

async function ping(address: NodeAddress, options: PingOptions): Promise<void> {
  await using system = await ActorSystem.start({ node: `ping-${process.pid}`, cluster: options.cluster, logLevel: 'warn' });
  await system.introduce(address);
  const refs = await system.find(echoKey, { node: address.node, timeoutMs: options.timeout });
  if (refs.length === 0)
    throw new Error(`node ${address.node} has no echo actor: was it started with \`dynactor start\`, and with shards?`);
  const payload = new Uint8Array(options.size);
  for (const ref of refs) {
    const times = new Float64Array(options.count);
    let shard = -1;
    for (let i = 0; i < options.count; i++) {
      const before = performance.now();
      const echoed = await ref.ask<Echoed>((replyTo) => ({ type: 'echo', payload, replyTo }), {
        timeoutMs: options.timeout,
        lane: RESPONSE,
      });
      times[i] = performance.now() - before;
      shard = echoed.shard;
    }
    times.sort();
    const at = (share: number): string => (times[Math.min(times.length - 1, Math.floor(times.length * share))] as number).toFixed(3);
    process.stdout.write(`shard ${shard}: ${options.count} asks of ${options.size} B, ms p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)}\n`);
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

function endWith(isSound: boolean): void {
  if (!isSound) process.exitCode = 1;
}

function echoModule(): URL {
  return new URL(`./runtime/echo${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    return value;
  };
}

function hostAndPort(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+):(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected host:port.');
  return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port: wholeNumber(0, 65_535)(match[2] as string) };
}

function nodeAddress(text: string): NodeAddress {
  try {
    return parseNodeAddress(text);
  } catch (error) {
    throw new InvalidArgumentError(errorMessage(error));
  }
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    const value = values.find((other) => other === text);
    if (value === undefined) throw new InvalidArgumentError(`Expected one of ${values.join(', ')}.`);
    return value;
  };
}

function collect<T>(parse: (text: string) => T): (text: string, before: readonly T[]) => readonly T[] {
  return (text, before) => [...before, parse(text)];
}
