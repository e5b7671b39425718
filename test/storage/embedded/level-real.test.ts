/** The official suite on the engine itself, in a directory of this machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DynactorLevel, type DynactorLevelOptions } from '../../../storage/embedded/level.ts';
import { type Factory, runOfficialSuite } from './official-suite.ts';

const ASSERTIONS_MIN = 4_700;

type Options = DynactorLevelOptions<unknown, unknown>;

/** With options that the suite doesn't see: it compares those that it gave. */
class SmallLevel extends DynactorLevel<unknown, unknown> {
  override _open(options: Options): Promise<void> {
    return super._open({ ...options, memtableBytes: 128 * 1024, blockBytes: 256, cacheBytes: 0, inlineReads: false });
  }
}

const official = test.macro(async (t, Level: typeof DynactorLevel<unknown, unknown>) => {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-level-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  let count = 0;
  const factory: Factory = (given) => {
    const { location = join(dir, `${count++}`), ...options } = (given ?? {}) as Options & { readonly location?: string };
    return new Level(location, options) as unknown as ReturnType<Factory>;
  };
  const { passed, failed } = await runOfficialSuite(factory);
  t.deepEqual(failed, []);
  t.true(passed >= ASSERTIONS_MIN, `${passed} assertions passed`);
});

test.serial('level on disk: the official suite passes, when opened without options', official, DynactorLevel);
test.serial('level on disk: the official suite passes, when blocks are small and nothing is read inline', official, SmallLevel);
