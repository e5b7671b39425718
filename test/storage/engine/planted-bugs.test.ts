import test, { type ExecutionContext } from 'ava';
import { KEEP_ALL } from '../../../runtime/simulation/crash-models.ts';
import { logName } from '../../../storage/manifest/file-names.ts';
import { SCRIPTS } from './crash-scripts.ts';
import { CrashSearch } from './crash-search.ts';
import { FaultSweep } from './fault-sweep.ts';
import { script } from './script.ts';
import { ScriptRun } from './script-run.ts';
import { DIR, emptyDisk, SimLife } from './sim-engine.ts';

function scriptNamed(name: string): (typeof SCRIPTS)[number] {
  const found = SCRIPTS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no script ${name}`);
  return found;
}

/** A denser sample than of the engine without bugs, since it ends with the first thing found. */
const caught = test.macro((t: ExecutionContext, mutant: string, name: string, expected: RegExp) => {
  const engine = { mutants: new Set([mutant]) };
  const search = new CrashSearch(scriptNamed(name), { tearBytes: 4_096, randomCount: 1, every: 5, everyAgain: 47, engine });
  search.run(emptyDisk());
  t.regex(search.violations[0] ?? 'nothing found', expected);
});

test('planted bugs: skipLogSync is caught', caught, 'skipLogSync', 'puts', /expected the first|is gone/);
test('planted bugs: ackBeforeWrite is caught', caught, 'ackBeforeWrite', 'puts', /expected the first|is gone/);
test('planted bugs: skipDirSync is caught', caught, 'skipDirSync', 'rotation', /expected the first|CORRUPTION|is gone/);
test('planted bugs: skipManifestSync is caught', caught, 'skipManifestSync', 'manifest roll', /expected the first|CORRUPTION/);
test('planted bugs: skipTableSync is caught', caught, 'skipTableSync', 'flush', /CORRUPTION/);
test('planted bugs: releaseLogEarly is caught', caught, 'releaseLogEarly', 'reopening', /expected the first|CORRUPTION/);
test('planted bugs: forgetLogNumber is caught', caught, 'forgetLogNumber', 'recycled segments', /CORRUPTION/);
test('planted bugs: installBeforeEdit is caught', caught, 'installBeforeEdit', 'recycled segments', /expected the first/);
test('planted bugs: unlinkBeforeEdit is caught', caught, 'unlinkBeforeEdit', 'compaction', /found no file/);
test('planted bugs: recoveredNotSynced is caught', caught, 'recoveredNotSynced', 'puts', /the process dies, then/);

test('planted bugs: swallowSyncError is caught', (t) => {
  const sweep = new FaultSweep(scriptNamed('puts'), { every: 13, engine: { mutants: new Set(['swallowSyncError']) } });
  sweep.run();
  t.regex(sweep.violations[0] ?? 'nothing found', /power loss/);
});

test('planted bugs: truncateInsteadOfReport is caught', (t) => {
  const disk = emptyDisk();
  new ScriptRun(script('damaged', 'put a 60 sync | put b 40 sync | wait 100'), disk, {}, 'damage').runAll();
  disk.crash(KEEP_ALL);
  disk.flipBit(`${DIR}/${logName(1)}`, 200, 0);
  const opened = (mutants: readonly string[]): string => {
    const result = new SimLife(disk.clone(), 'damaged').tryOpen({ mutants: new Set(mutants) });
    return result.ok ? 'opened' : result.error.code;
  };
  t.is(opened([]), 'CORRUPTION');
  t.is(opened(['truncateInsteadOfReport']), 'opened');
});
