/** The job that verifies files of a live database, in the pool. */
import { defineJob } from '../../runtime/jobs.ts';
import { Codecs } from '../codec.ts';
import { Throttle } from '../compaction/throttle.ts';
import { tableName } from '../manifest/file-names.ts';
import { checkLogs, checkManifest, checkTable } from './check-files.ts';
import type { ScrubbedFile } from './scrubbed-file.ts';

export type ScrubWork =
  | { readonly kind: 'table'; readonly number: number; readonly uid: Uint8Array; readonly bytes: number }
  | { readonly kind: 'logs'; readonly numbers: readonly number[]; readonly dbUid: Uint8Array }
  /** `nextFileNumber`: which the manifest must have reached. */
  | { readonly kind: 'manifest'; readonly nextFileNumber: number };

export interface ScrubJobInput {
  readonly dir: string;
  readonly work: ScrubWork;
  readonly throttle: Int32Array;
}

/** Blocks are read one by one: the rate is looked at after so many bytes. */
const STEP_BYTES = 256 << 10;
const MANIFEST_ATTEMPTS = 3;

export const scrubJob = defineJob('storage.scrub', function* scrub({ dir, work, throttle }: ScrubJobInput, doors): Generator<
  undefined,
  readonly ScrubbedFile[],
  undefined
> {
  const { files } = doors;
  if (work.kind === 'manifest') return scrubManifest(() => checkManifest(files, dir), work.nextFileNumber);
  const rate = new Throttle(throttle, doors);
  let bytes = 0;
  if (work.kind === 'logs') {
    const logs = checkLogs(files, dir, work.numbers, work.dbUid);
    for (;;) {
      const step = logs.next();
      if (step.done === true) return step.value;
      yield* rate.spend(step.value);
    }
  }
  const table = checkTable(files, `${dir}/${tableName(work.number)}`, work, new Codecs());
  for (;;) {
    const step = table.next();
    if (step.done === true) return [step.value];
    bytes += step.value;
    if (bytes >= STEP_BYTES) {
      yield* rate.spend(bytes);
      bytes = 0;
    }
  }
});

/** A new manifest may take the place of the one that is being read: what is wrong is wrong when it is so again. */
function scrubManifest(check: () => ReturnType<typeof checkManifest>, nextFileNumber: number): readonly ScrubbedFile[] {
  let checked = check();
  for (let attempt = 1; attempt < MANIFEST_ATTEMPTS && checked.reading === undefined; attempt++) checked = check();
  const { reading, files } = checked;
  if (reading === undefined || reading.state.nextFileNumber >= nextFileNumber) return files;
  const [last, ...others] = files.toReversed();
  if (last === undefined) return files;
  const expected = `edits up to file number ${nextFileNumber}`;
  const damage = { file: last.file, offset: reading.end.offset, expected, found: `${reading.state.nextFileNumber}` };
  return [...others.toReversed(), { ...last, damage }];
}
