/**
 * The replicated store beside Redis and etcd, each as servers of its own, one after the other: YCSB A to F, one kind of operation alone, and the load itself. A closed
 * loop says how many operations per second, an open one, timed from the intended start, how late they are answered. Every answer is checked: exit code 1 when one is wrong.
 * `node --v8-pool-size=1 dist/bench/cluster.js [--json FILE] [--svg FILE] [--quick] [--targets name,...] [--workloads name,...] [--distributions zipfian,uniform]
 * [--durability none,sync] [--values BYTES,...] [--records N] [--runs N] [--ms N] [--settle MS] [--connections N]
 * [--memory MIB] [--times X] [--open-share X] [--rate N] [--seed N] [--n N] [--r N] [--w N] [--base-port P] [--resp PORT,...] [--dir DIR]`, `node dist/bench/cluster.js compare a.json b.json`
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MEMORY_MIB_MIN } from '../actors/node/config/config.ts';
import { numberBetween, oneOf, optionsOf, orUsageError, usageError, wholeNumber } from '../test/helpers/options.ts';
import { compareFiles } from './cluster/compare.ts';
import { dynactorClient } from './cluster/dynactor-client.ts';
import { dynactorOne, dynactorResp } from './cluster/dynactor-resp.ts';
import { etcd } from './cluster/etcd.ts';
import { given } from './cluster/given.ts';
import { HEAD_BYTES } from './cluster/pair-format.ts';
import { planOf } from './cluster/plan.ts';
import { redis } from './cluster/redis.ts';
import { redisWait } from './cluster/redis-wait.ts';
import { badOf, ResultBook, type ResultFile, readResults, writeResults } from './cluster/result.ts';
import { killAllServers } from './cluster/server-process.ts';
import { runSession } from './cluster/session.ts';
import { svgOf } from './cluster/svg.ts';
import { tablesOf, troublesOf } from './cluster/tables.ts';
import type { Durability, Target } from './cluster/target.ts';
import { WORKLOAD_NAMES } from './cluster/workload.ts';
import { printSetup, setupOf } from './lib/report.ts';
import { fileSystemOf, syncMs } from './storage/disk.ts';

/** Bytes of values that are loaded at most, unless `--records` says how many. */
const LOADED_BYTES_MAX = 100_000_000;
const KEY_BYTES = 16;

const { values: options, positionals } = optionsOf({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    svg: { type: 'string' },
    quick: { type: 'boolean', default: false },
    targets: { type: 'string', default: 'dynactor-resp,dynactor-client,redis,redis-wait,etcd' },
    workloads: { type: 'string', default: WORKLOAD_NAMES.join(',') },
    distributions: { type: 'string' },
    durability: { type: 'string' },
    values: { type: 'string' },
    records: { type: 'string' },
    runs: { type: 'string' },
    ms: { type: 'string' },
    settle: { type: 'string' },
    connections: { type: 'string', default: '50' },
    memory: { type: 'string', default: '512' },
    times: { type: 'string' },
    'open-share': { type: 'string', default: '0.5' },
    rate: { type: 'string', default: '0' },
    n: { type: 'string', default: '3' },
    r: { type: 'string', default: '2' },
    w: { type: 'string', default: '2' },
    'base-port': { type: 'string', default: '0' },
    resp: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    dir: { type: 'string', default: tmpdir() },
  },
});
if (positionals.length > 0) compare(positionals);
else await measure();

function compare([command, a, b]: readonly string[]): void {
  if (command !== 'compare' || a === undefined || b === undefined) usageError('expected: compare a.json b.json');
  const resultsIn = (path: string): ResultFile => orUsageError(`compare ${path}: `, () => readResults(path));
  for (const line of compareFiles(resultsIn(a), resultsIn(b))) console.log(line);
}

async function measure(): Promise<void> {
  const { quick } = options;
  const rows = planOf({
    workloads: someOf('workloads', options.workloads).map((word) => oneOf('workloads', word, WORKLOAD_NAMES)),
    distributions: someOf('distributions', options.distributions ?? (quick ? 'zipfian' : 'zipfian,uniform')).map((word) =>
      oneOf('distributions', word, ['zipfian', 'uniform']),
    ),
  });
  const durabilities = someOf('durability', options.durability ?? (quick ? 'none' : 'none,sync')).map(durabilityOf);
  const sizes = someOf('values', options.values ?? (quick ? '100' : '100,10240')).map((text) =>
    wholeNumber('values', text, HEAD_BYTES, LOADED_BYTES_MAX),
  );
  const runs = wholeNumber('runs', options.runs ?? (quick ? '1' : '3'));
  const ms = wholeNumber('ms', options.ms ?? (quick ? '150' : '2000'));
  // What compiles as it runs is slow at first.
  const settleMs = wholeNumber('settle', options.settle ?? (quick ? '50' : '1000'));
  const connections = wholeNumber('connections', options.connections);
  const memoryMiB = wholeNumber('memory', options.memory, MEMORY_MIB_MIN);
  const basePort = wholeNumber('base-port', options['base-port'], 0);
  const seed = wholeNumber('seed', options.seed);
  const openRate = wholeNumber('rate', options.rate, 0);
  const openShare = numberBetween('open-share', options['open-share'], 0);
  const n = wholeNumber('n', options.n);
  const rules = { n, r: wholeNumber('r', options.r, 1, n), w: wholeNumber('w', options.w, 1, n) };
  const times = options.times === undefined ? undefined : numberBetween('times', options.times, 0.001, 1_000);
  const records = options.records === undefined ? undefined : wholeNumber('records', options.records);
  const theirs = [redis, redisWait, etcd, given(listOf(options.resp).map((text) => wholeNumber('resp', text, 1, 65_535)))];
  const all = [dynactorResp, dynactorClient, dynactorOne, ...theirs];
  const targets = someOf('targets', options.targets)
    .map((name) => targetOf(all, name))
    .filter(isThere);
  const recordsOf = (bytes: number): number => {
    if (records !== undefined) return records;
    // So many that keys and values are so many times the memory of a node.
    if (times !== undefined) return Math.ceil((times * memoryMiB * 1_048_576) / (KEY_BYTES + bytes));
    return quick ? 2_000 : Math.min(100_000, Math.floor(LOADED_BYTES_MAX / bytes));
  };

  const root = orUsageError('--dir: ', () => mkdtempSync(join(options.dir, 'dynactor-bench-cluster-')));
  process.on('exit', () => {
    killAllServers();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
  const setup = setupOf({
    ...{
      targets: targets.map(({ name }) => name).join(' '),
      keyBytes: KEY_BYTES,
      records: sizes.map(recordsOf).join(' '),
      runs,
      runMs: ms,
      settleMs,
      connections,
      memoryMiB,
      openLoop: openRate > 0 ? `${openRate}/s` : `${openShare} of the closed loop`,
      ...rules,
    },
    ...{ fileSystem: fileSystemOf(root), fdatasyncMs: syncMs(root), durability: `${durabilities.join(' ')}, as each table says` },
    generator: 'one thread on the same machine: it and the servers share the cores',
  });
  printSetup(setup);

  const book = new ResultBook();
  for (let run = 0; run < runs; run++) {
    for (const durability of durabilities) {
      for (const valueBytes of sizes) {
        // Each run another one begins.
        for (const target of targets.map((_, i) => targets[(i + run) % targets.length]!)) {
          const dir = join(root, `${target.name}-${durability}-${valueBytes}-${run}`);
          mkdirSync(dir);
          const session = {
            ...{ dir, durability, connections, ...rules, valueBytes, records: recordsOf(valueBytes), ms, settleMs },
            ...{ basePort, memoryMiB, openShare, openRate, seed: seed + run },
          };
          try {
            await runSession(target, rows, session, (conditions, row, loop, outcome) => {
              book.add(conditions, row, loop, outcome);
              const { troubles, figures } = outcome;
              if (process.stderr.isTTY)
                process.stderr.write(
                  `run ${run} ${durability} ${valueBytes} B ${target.name} ${row.label} ${loop}: ${figures.perSecond.toFixed(0)}/s\n`,
                );
              if (badOf(troubles) > 0) process.exitCode = 1;
            });
          } catch (error) {
            process.exitCode = 1;
            console.error(`${target.name}, durability ${durability}, ${valueBytes} B FAILED: ${(error as Error).message}`);
          }
          rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
        }
      }
    }
  }

  const order = targets.map(({ name }) => name);
  for (const line of tablesOf(book.all, ['load', ...rows.map(({ label }) => label)], order)) console.log(line);
  const bad = book.all.reduce((sum, { troubles }) => sum + badOf(troubles), 0);
  const checked = book.all.reduce((sum, { samples }) => sum + samples.reduce((total, { operations }) => total + operations, 0), 0);
  console.log(`\n${checked} operations checked, ${bad} of them wrong, missing, stale or failed`);
  for (const line of troublesOf(book.all)) console.log(`  ${line}`);
  if (options.json !== undefined) writeResults(options.json, { setup, results: book.all });
  if (options.svg !== undefined)
    writeFileSync(
      options.svg,
      svgOf(book.all, `bench:cluster, ${String(setup.cpu)}, ${String(setup.cores)} cores, commit ${String(setup.commit)}`),
    );
}

function isThere(target: Target): boolean {
  const missing = target.missing();
  if (missing !== undefined) console.log(`${target.name} is left out: ${missing}`);
  return missing === undefined;
}

function targetOf(all: readonly Target[], name: string): Target {
  const found = all.find((target) => target.name === name);
  if (found === undefined) usageError(`--targets ${name}: expected some of ${all.map((target) => target.name).join(', ')}`);
  return found;
}

function durabilityOf(name: string): Durability {
  if (name !== 'none' && name !== 'sync') usageError(`--durability ${name}: expected none or sync`);
  return name;
}

function listOf(text: string): readonly string[] {
  return text.split(',').filter((part) => part !== '');
}

/** At least one. */
function someOf(name: string, text: string): readonly string[] {
  const words = listOf(text);
  if (words.length === 0) usageError(`--${name}: expected at least one, got ${JSON.stringify(text)}`);
  return words;
}
