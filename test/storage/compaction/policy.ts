/**
 * Prints what policies of the picker cost for 100 M entries of 116 bytes, written once and then overwritten once at random.
 * Run: `node dist/test/storage/compaction/policy.js`.
 */
import { PolicyModel, type PolicySetup } from './policy-model.ts';

const MIB = 2 ** 20;
const ENTRIES = 100e6;
const setup: PolicySetup = { keys: ENTRIES, entryBytes: 116, memtableBytes: 32 * MIB, tableBytes: 32 * MIB, options: {} };
const policies: Readonly<Record<string, Partial<PolicySetup>>> = {
  'as it is': {},
  'no tiers': { options: { tierTables: 0 } },
  'tiers of 8': { options: { tierTables: 8, level0Tables: 8 } },
  'tiers of 2': { options: { tierTables: 2 } },
  'base 64 MiB': { options: { baseBytes: 64 * MIB } },
  'base 512 MiB': { options: { baseBytes: 512 * MIB } },
  'base 1 GiB': { options: { baseBytes: 1024 * MIB } },
  'ratio 8': { options: { ratio: 8 } },
  'ratio 4': { options: { ratio: 4 } },
  'memtable 8 MiB': { memtableBytes: 8 * MIB },
  'memtable 8 MiB, no tiers': { memtableBytes: 8 * MIB, options: { tierTables: 0 } },
  'memtable 4 MiB, base 10 MiB, no tiers (about LevelDB)': {
    memtableBytes: 4 * MIB,
    tableBytes: 2 * MIB,
    options: { tierTables: 0, baseBytes: 10 * MIB },
  },
};

for (const [name, policy] of Object.entries(policies)) {
  const model = new PolicyModel({ ...setup, ...policy });
  model.write(ENTRIES);
  const filled = model.writeAmplification.toFixed(2);
  model.write(ENTRIES);
  const levels = model.levels.map((level) => (level.reduce((sum, { bytes }) => sum + bytes, 0) / MIB).toFixed(0)).join(' ');
  console.log(
    `${name.padEnd(56)} write ${filled} then ${model.writeAmplification.toFixed(2)}  space ${model.spaceAmplification.toFixed(2)}  ` +
      `runs ${model.runs.toFixed(1)}  largest merge ${(model.largestMergeBytes / MIB).toFixed(0)} MiB  merges ${model.merges}  MiB ${levels}`,
  );
}
