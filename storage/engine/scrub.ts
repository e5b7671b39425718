/** Scrub of a live database: the files of one moment, one after the other, by jobs that take turns with the merges, and behind them. */
import type { JobOutcome } from '../../runtime/jobs.ts';
import { OTHER, type ScheduledJob } from '../compaction/scheduler.ts';
import { type StorageDone, StorageError, type StorageResult } from '../errors.ts';
import { logName } from '../manifest/file-names.ts';
import type { EngineParts } from './engine-parts.ts';
import { forEach } from './file-steps.ts';
import type { ScrubJobInput, ScrubWork } from './scrub-job.ts';
import type { ScrubbedFile } from './scrubbed-file.ts';

type Scrubbed = readonly ScrubbedFile[];

const LOG_ATTEMPTS = 4;
/** Below every merge that is due. */
const SCORE = 0;

/** Errors: CANCELLED when the engine is closed meanwhile; IO when the pool fails. */
export function scrubEngine(parts: EngineParts, done: StorageDone<Scrubbed>): void {
  const { versions, doors } = parts;
  const version = versions.hold();
  const finish = (result: StorageResult<Scrubbed>): void => {
    versions.release(version);
    doors.timers.soon(() => done(result));
  };
  const works: ScrubWork[] = [{ kind: 'manifest', nextFileNumber: version.state.nextFileNumber }];
  for (const { meta } of version.levels.flat()) {
    works.push({ kind: 'table', number: meta.number, uid: Uint8Array.from(meta.uid), bytes: meta.bytes });
  }
  forEach<ScrubWork, Scrubbed>(
    works,
    1,
    (work, next) => run(parts, work, next),
    (result) => {
      if (!result.ok) return finish(result);
      scrubLogs(parts, [], LOG_ATTEMPTS, (logs) => {
        finish(logs.ok ? { ok: true, value: [...result.value.flat(), ...logs.value] } : logs);
      });
    },
  );
}

/**
 * The log is written while it is read, so that what was read first may be older than what says that it was on disk. What is wrong is wrong when the
 * next reading finds it again, in a segment that is still in use.
 */
function scrubLogs(parts: EngineParts, before: Scrubbed, attempts: number, done: StorageDone<Scrubbed>): void {
  const numbers = liveSegments(parts);
  if (numbers.length === 0) return done({ ok: true, value: [] });
  run(parts, { kind: 'logs', numbers, dbUid: Uint8Array.from(parts.dbUid) }, (result) => {
    if (!result.ok) return done(result);
    const live = new Set(liveSegments(parts).map((number) => `${parts.dir}/${logName(number)}`));
    const found = result.value.filter(({ file }) => live.has(file));
    const isSettled = ({ file, damage }: ScrubbedFile): boolean =>
      damage === undefined || before.some((other) => other.file === file && other.damage?.offset === damage.offset);
    if (attempts <= 1 || found.every(isSettled)) done({ ok: true, value: found });
    else scrubLogs(parts, found, attempts - 1, done);
  });
}

function liveSegments({ memory }: EngineParts): number[] {
  return [memory.active, ...memory.immutables].flatMap(({ segment }) => (segment === 0 ? [] : [segment])).sort((a, b) => a - b);
}

function run(parts: EngineParts, work: ScrubWork, done: StorageDone<Scrubbed>): void {
  const { scheduler, dir, scrubs } = parts;
  if (parts.isClosing) return done(cancelled());
  const input: ScrubJobInput = { dir, work, throttle: scheduler.throttle };
  let isRunning = false;
  const ended = (outcome: JobOutcome): void => {
    scrubs.delete(cancel);
    if (outcome.ok) done({ ok: true, value: outcome.value as Scrubbed });
    else if (outcome.code === 'JOB_CANCELLED') done(cancelled());
    else done({ ok: false, error: new StorageError('IO', `scrub: ${outcome.message}`) });
    parts.endWork();
  };
  const begin = (): ScheduledJob => {
    isRunning = true;
    parts.beginWork();
    return { job: 'storage.scrub', input };
  };
  const ticket = scheduler.submit(OTHER, SCORE, { begin, ended });
  const cancel = (): void => {
    ticket.cancel();
    if (!isRunning) done(cancelled());
  };
  scrubs.add(cancel);
}

function cancelled(): StorageResult<never> {
  return { ok: false, error: new StorageError('CANCELLED', 'the database was closed before the scrub ended') };
}
