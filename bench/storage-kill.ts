/**
 * kill -9 of a process that writes (synced, periodic and not), at random moments, again and again on one database; each time another process reads what is
 * there: every acknowledged write, nothing but what was written, batches whole. At the end the time to open after a kill with a full memtable of 32 MiB.
 * `node dist/bench/storage-kill.js [--rounds N] [--seed N] [--dir DIR] [--json FILE]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../runtime/random.ts';
import { Store } from '../storage/embedded/store.ts';
import { optionsOf, orUsageError, wholeNumber } from '../test/helpers/options.ts';
import { KillRounds, type Round, writeUntil } from '../test/storage/engine/kill-rounds.ts';
import { printRows, printSetup, rowOf, setupOf, writeReport } from './lib/report.ts';

const FULL_BYTES = 30 * 2 ** 20;
const FULL_RECORD_BYTES = 140;
const FULL_RUNS = 3;
/** A database that has grown for so many rounds gives way to a new one. */
const ROUNDS_OF_ONE = 25;

const { values } = optionsOf({
  options: {
    rounds: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const count = wholeNumber('rounds', values.rounds);
const seed = wholeNumber('seed', values.seed, 0);
const random = new SeededRandom(seed);
const root = orUsageError('--dir: ', () => mkdtempSync(join(values.dir, 'dynactor-kill-')));
process.on('exit', () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));

const setup = setupOf({ durability: 'sync, periodic and none, mixed', rounds: count, seed });
printSetup(setup);
const begunMs = performance.now();
const rounds: Round[] = [];
let database = new KillRounds(join(root, '0'), seed);
for (let i = 0; i < count; i++) {
  if (i % ROUNDS_OF_ONE === 0) database = new KillRounds(join(root, String(i)), seed + i);
  // Some at the start, while it opens and recovers; most under writes.
  const acks = random.chance(0.1) ? 0 : random.chance(0.3) ? 1 + random.below(50) : 1 + random.below(4_000);
  rounds.push(await database.run(acks, random.chance(0.5)));
}
const seconds = (performance.now() - begunMs) / 1_000;
const full: number[] = [];
for (let run = 0; run < FULL_RUNS; run++) full.push(await reopenFull(join(root, `full${run}`)));

const reopenMs = rounds.map((round) => round.reopenMs);
const rows = [
  rowOf('rounds', 'count', [rounds.length]),
  rowOf('acknowledged writes, none lost', 'count', [rounds.reduce((sum, { acknowledged }) => sum + acknowledged, 0)]),
  rowOf('writes found that were not acknowledged', 'count', [rounds.reduce((sum, { beyond }) => sum + beyond, 0)]),
  rowOf('open after a kill', 'ms', reopenMs),
  rowOf('open after a kill, memtable of 32 MiB full', 'ms', full),
  rowOf('time of the rounds', 's', [seconds]),
];
printRows(rows);
writeReport(values.json, setup, rows);

async function reopenFull(dir: string): Promise<number> {
  const records = Math.floor(FULL_BYTES / FULL_RECORD_BYTES);
  const highest = await writeUntil([dir, '0', '0', String(FULL_BYTES)], records);
  const startMs = performance.now();
  const store = await Store.open(dir, { createIfMissing: false, jobThreads: 1 });
  const value = await store.get(`key/${String(highest).padStart(12, '0')}`);
  const tookMs = performance.now() - startMs;
  await store.close();
  if (value === undefined) throw new Error(`write ${highest} was acknowledged and is not there`);
  return tookMs;
}
