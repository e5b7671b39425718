import test from 'ava';
import { Edits } from '../../../storage/engine/edits.ts';
import type { Versions } from '../../../storage/engine/versions.ts';
import type { StorageDone } from '../../../storage/errors.ts';
import type { Change, ManifestWriter } from '../../../storage/manifest/manifest-writer.ts';
import { VersionState } from '../../../storage/manifest/version-state.ts';
import { SILENT } from './worlds.ts';

test('edits: the manifest is closed after the edit under way, when others wait for their turn', (t) => {
  const calls: string[] = [];
  const ok = { ok: true, value: VersionState.empty } as const;
  let ended: StorageDone<VersionState> = () => undefined;
  const manifest = {
    append: (_: Change, done: StorageDone<VersionState>) => {
      calls.push('append');
      ended = done;
    },
    close: (done: StorageDone<VersionState>) => {
      calls.push('close');
      done(ok);
    },
  } as unknown as ManifestWriter;
  const versions = { install: () => undefined, tables: [] } as unknown as Versions;
  const timers = { soon: () => undefined, after: () => () => undefined };
  const edits = new Edits({ manifest, versions, timers, log: SILENT, onFailed: () => undefined, mutants: new Set() });
  const change = () => ({ logNumber: 0, lastSequence: 0, removed: [], added: [] });
  for (let i = 0; i < 3; i++) edits.add(change, [], () => calls.push('done'));
  edits.close(() => calls.push('closed'));
  ended(ok);
  t.deepEqual(calls, ['append', 'done', 'close', 'closed']);
});
