/**
 * The storage engine beside LevelDB, LMDB and RocksDB: the same pairs, the same durability, each in processes of its own, in turns. Values are compared after
 * reading. A peer that is not installed, or has no build for this machine, is left out and named.
 * `node dist/bench/storage.js [--json FILE] [--quick] [--rows work,...] [--keys N] [--runs N] [--ms N] [--peers name,...]
 * [--memtable MIB] [--dir DIR]`
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionsOf, orUsageError, usageError, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, setupOf, writeReport } from './lib/report.ts';
import { OURS, PEERS } from './storage/contenders.ts';
import { fileSystemOf, syncMs } from './storage/disk.ts';
import { METRICS, WORKS } from './storage/metrics.ts';
import { Processes } from './storage/processes.ts';
import { Results } from './storage/results.ts';
import { LARGE_BYTES, VALUE_BYTES } from './storage/task.ts';

const { values: options } = optionsOf({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rows: { type: 'string', default: '' },
    keys: { type: 'string' },
    runs: { type: 'string' },
    ms: { type: 'string' },
    peers: { type: 'string', default: PEERS.join(',') },
    memtable: { type: 'string', default: '32' },
    dir: { type: 'string', default: tmpdir() },
  },
});

const names: readonly string[] = WORKS.map(({ name }) => name);
const asked = options.rows === '' ? names : options.rows.split(',');
for (const name of asked) if (!names.includes(name)) usageError(`--rows ${name}: expected some of ${names.join(', ')}`);
const needsLoad = WORKS.some(({ name, needsLoad: needs }) => needs && asked.includes(name));
const works = names.filter((name) => asked.includes(name) || (name === 'load' && needsLoad));
const keys = wholeNumber('keys', options.keys ?? (options.quick ? '50000' : '1000000'), 3);
const runs = wholeNumber('runs', options.runs ?? (options.quick ? '1' : '3'));
const ms = wholeNumber('ms', options.ms ?? (options.quick ? '100' : '1000'));
const memtableBytes = wholeNumber('memtable', options.memtable, 1, 1_024) * 2 ** 20;
const peers = options.peers.split(',').filter((name) => name !== '');
for (const name of peers) if (!PEERS.includes(name)) usageError(`--peers ${name}: expected some of ${PEERS.join(', ')}`);

const processes = new Processes();
const root = orUsageError('--dir: ', () => mkdtempSync(join(options.dir, 'dynactor-bench-storage-')));
process.on('exit', () => {
  processes.killAll();
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

const contenders: string[] = [];
const described: Record<string, string> = {};
for (const name of [...OURS, ...peers]) {
  const answer = await processes.describe(name);
  if (answer.ok) contenders.push(name);
  described[name] = answer.ok ? (answer.description ?? '') : `absent: ${answer.message.split('\n')[0]}`;
}

const setup = setupOf({
  ...{ keys, runs, runMs: ms, valueBytes: VALUE_BYTES, largeValueBytes: LARGE_BYTES, memtableMiB: memtableBytes / 2 ** 20 },
  threadsOfLibuv: process.env.UV_THREADPOOL_SIZE ?? '4 (default)',
  fileSystem: fileSystemOf(root),
  fdatasyncMs: syncMs(root),
  durability: 'as each row says: no sync = handed to the operating system, synced = on disk when done; on both sides',
  ...described,
});
printSetup(setup);

const results = new Results();
for (let run = 0; run < runs; run++) {
  // Each run another one begins.
  const order = contenders.map((_, i) => contenders[(i + run) % contenders.length]!);
  for (const work of works) {
    for (const contender of order) {
      const dir = join(root, contender);
      mkdirSync(dir, { recursive: true });
      try {
        const begun = performance.now();
        results.add(contender, await processes.measure({ work, contender, dir, keys, ms, memtableBytes }));
        if (process.stderr.isTTY)
          process.stderr.write(`run ${run} ${work} ${contender}: ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
      } catch (error) {
        process.exitCode = 1;
        console.error(`${work} of ${contender} FAILED: ${(error as Error).message}`);
      }
    }
  }
  for (const contender of contenders) rmSync(join(root, contender), { recursive: true, force: true });
}

const metrics = METRICS.filter(({ work }) => asked.includes(work));
const rows = results.rows(metrics, contenders);
printRows(rows);
for (const line of results.forms(metrics)) console.log(line);
for (const line of results.aims(metrics)) console.log(line);
writeReport(options.json, setup, rows);
