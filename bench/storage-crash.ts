/**
 * Crashes of the storage engine, all of them: each script of `test/storage/engine/crash-scripts.ts`, at each call to the disk, with each choice of what
 * survives, and again at each call of the recovery; then each call failing in each way. Ends with 1 when anything was wrong, and says how to run it again.
 * `node dist/bench/storage-crash.js [--script NAME] [--seeds N] [--every N] [--tear BYTES]`
 */
import { oneOf, optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { SCRIPTS } from '../test/storage/engine/crash-scripts.ts';
import { CrashSearch } from '../test/storage/engine/crash-search.ts';
import { FaultSweep } from '../test/storage/engine/fault-sweep.ts';
import { emptyDisk, QUICK, SLOW } from '../test/storage/engine/sim-engine.ts';

const { values } = optionsOf({
  options: {
    script: { type: 'string' },
    seeds: { type: 'string', default: '2' },
    every: { type: 'string', default: '1' },
    tear: { type: 'string', default: '2048' },
  },
});
const every = wholeNumber('every', values.every);
const seeds = wholeNumber('seeds', values.seeds);
const tearBytes = wholeNumber('tear', values.tear, 0);
const names = SCRIPTS.map(({ name }) => name);
const asked = values.script === undefined ? names : [oneOf('script', values.script, names)];
const VIOLATIONS_MAX = 5;

const scripts = SCRIPTS.filter(({ name }) => asked.includes(name));
const total = { states: 0, again: 0, recoveries: 0, runs: 0, violations: 0 };
const startedAt = performance.now();

function report(what: string, counts: string, violations: readonly string[]): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(`${seconds} s  ${what}: ${counts}`);
  for (const violation of violations) console.log(`VIOLATION ${violation}`);
  total.violations += violations.length;
}

for (const script of scripts) {
  for (let seed = 1; seed <= seeds; seed++) {
    // Every second one with a disk so slow that timers of the engine end before calls that they most often find ended, and that nothing is written inline.
    const cost = seed % 2 === 1 ? QUICK : SLOW;
    const search = new CrashSearch(script, {
      seed,
      cost,
      engine: { inlineWrites: cost === QUICK },
      tearBytes,
      randomCount: 2,
      every,
      everyAgain: 1,
      violationsMax: VIOLATIONS_MAX,
    });
    search.run(emptyDisk());
    const { states, again, recoveries } = search.counts;
    total.states += states;
    total.again += again;
    total.recoveries += recoveries;
    report(
      `${script.name}, seed ${seed}`,
      `${states} crash states, ${again} of them in a recovery, ${recoveries} different`,
      search.violations,
    );
  }
}
for (const script of scripts) {
  const sweep = new FaultSweep(script, { every, violationsMax: VIOLATIONS_MAX });
  sweep.run();
  const { runs, reopened, failedWrites, failedOpens } = sweep.counts;
  total.runs += runs;
  report(
    `${script.name}, faults`,
    `${runs} runs, opened again ${reopened} times, ${failedWrites} writes and ${failedOpens} openings failed`,
    sweep.violations,
  );
}
console.log(
  `${total.states} crash states, ${total.again} of them in a recovery, ${total.recoveries} different ones recovered from; ` +
    `${total.runs} runs with a fault; ${total.violations} violations`,
);
process.exitCode = total.violations === 0 ? 0 : 1;
