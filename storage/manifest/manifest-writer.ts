/**
 * Appends version edits to the manifest. When the file has grown, or a write to it failed, the next edit begins a new one:
 *
 * ```
 * MANIFEST-n (header, snapshot) -> datasync -> syncDir -> CURRENT.new -> datasync -> rename CURRENT -> syncDir -> unlink the old manifest
 * ```
 * A crash anywhere leaves a CURRENT that names a whole manifest.
 */
import type { Random } from '../../runtime/doors.ts';
import { assert } from '../../runtime/errors.ts';
import type { FileDone, FileError, FileSystem, OpenFile } from '../../runtime/files.ts';
import { closeAll } from '../close-all.ts';
import { StorageError, type StorageResult } from '../errors.ts';
import { CURRENT_NAME, manifestName, temporaryName } from './file-names.ts';
import { EDIT_CHECKSUM, EDIT_HEADER_BYTES, EDIT_PAYLOAD_BYTES, UID_BYTES } from './manifest-format.ts';
import { editChecksum, encodeCurrent, encodeManifestHeader } from './manifest-reader.ts';
import { encodeEdit, type VersionEdit } from './version-edit.ts';
import type { VersionState } from './version-state.ts';

export interface ManifestWriterOptions {
  readonly files: FileSystem;
  readonly random: Random;
  readonly dir: string;
  readonly dbUid: Uint8Array;
  /** As recovered; `VersionState.empty` of a new database. */
  readonly state: VersionState;
  /** The manifest in use so far, removed when the first edit has made a new one. */
  readonly oldNumber: number | undefined;
  /** Beyond so many bytes a new manifest is begun. */
  readonly bytesMax: number;
  readonly mutants: ReadonlySet<string>;
}

/** `nextFileNumber` is filled in by `ManifestWriter.nextNumber`. */
export type Change = Omit<VersionEdit, 'nextFileNumber'>;

export class ManifestWriter {
  readonly #options: ManifestWriterOptions;
  /** Undefined: the next edit begins a new manifest. */
  #file: OpenFile | undefined;
  #number: number;
  #uid: Uint8Array = new Uint8Array(0);
  #length = 0;
  #state: VersionState;
  #nextNumber: number;
  #busy = false;

  constructor(options: ManifestWriterOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#nextNumber = options.state.nextFileNumber;
    this.#number = options.oldNumber ?? 0;
  }

  /** Of what is on disk. */
  get state(): VersionState {
    return this.#state;
  }

  /** Of the manifest that CURRENT names; 0: there is none yet. */
  get number(): number {
    return this.#number;
  }

  /** A file number that no file has or had. */
  readonly nextNumber = (): number => this.#nextNumber++;

  /** Files with this number were found: numbers given from now on are above it. */
  reserveNumber(found: number): void {
    if (found >= this.#nextNumber) this.#nextNumber = found + 1;
  }

  /**
   * Requires: no other edit is under way. Gives the new state, once it is on disk. Errors: IO; whether the change is on disk is unknown then, until a later
   * edit succeeds, which makes a new manifest without it. Throws CORRUPTION when it does not fit the state; nothing was written.
   */
  append(change: Change, done: (result: StorageResult<VersionState>) => void): void {
    assert(!this.#busy, 'manifest: an edit is under way');
    const finish = (result: StorageResult<VersionState>): void => {
      this.#busy = false;
      if (result.ok) this.#state = result.value;
      done(result);
    };
    const rolls = this.#file === undefined || this.#length > this.#options.bytesMax;
    const number = rolls ? this.nextNumber() : this.#number;
    const edit: VersionEdit = { ...change, nextFileNumber: this.#nextNumber };
    const state = this.#state.apply(edit);
    this.#busy = true;
    if (rolls) this.#roll(number, state, edit.kind === 'close', finish);
    else this.#write(edit, state, finish);
  }

  /** Ends the manifest with a close, and closes the file. */
  close(done: (result: StorageResult<VersionState>) => void): void {
    const { logNumber, lastSequence } = this.#state;
    this.append({ kind: 'close', logNumber, lastSequence, removed: [], added: [], options: '' }, (result) => {
      const file = this.#file;
      this.#file = undefined;
      if (file === undefined) done(result);
      else file.close(() => done(result));
    });
  }

  #write(edit: VersionEdit, state: VersionState, done: (result: StorageResult<VersionState>) => void): void {
    const file = this.#file;
    assert(file !== undefined, 'manifest: no file');
    const bytes = framed(edit, this.#uid, this.#length);
    const failed = (error: FileError): void => {
      // What is on disk is unknown from here on: nothing is ever written behind it.
      this.#file = undefined;
      file.close(() => done(failure(error)));
    };
    file.pwrite([bytes], this.#length, (written) => {
      if (!written.ok) return failed(written.error);
      const sync = (next: FileDone<void>): void =>
        this.#options.mutants.has('skipManifestSync') ? next({ ok: true, value: undefined }) : file.datasync(next);
      sync((synced) => {
        if (!synced.ok) return failed(synced.error);
        this.#length += bytes.length;
        done({ ok: true, value: state });
      });
    });
  }

  #roll(number: number, state: VersionState, closing: boolean, done: (result: StorageResult<VersionState>) => void): void {
    const { files, dir, random, dbUid, mutants } = this.#options;
    const uid = Buffer.alloc(UID_BYTES);
    for (let i = 0; i < UID_BYTES; i += 4) uid.writeUInt32LE(random.u32(), i);
    const snapshot = state.snapshot();
    const header = encodeManifestHeader({ number, uid, dbUid });
    const parts = [header, framed(snapshot, uid, header.length)];
    let length = header.length + parts[1]!.length;
    if (closing) {
      parts.push(framed({ ...snapshot, kind: 'close', added: [], options: '' }, uid, length));
      length += parts[2]!.length;
    }
    const path = `${dir}/${manifestName(number)}`;
    const current = `${dir}/${CURRENT_NAME}`;
    let file: OpenFile | undefined;
    let currentFile: OpenFile | undefined;
    const syncDir = (next: FileDone<void>): void => {
      if (mutants.has('skipDirSync')) next({ ok: true, value: undefined });
      else files.syncDir(dir, next);
    };
    const steps: ((next: FileDone<void>) => void)[] = [
      (next) =>
        openInto(
          files,
          path,
          'createNew',
          (opened) => {
            file = opened;
          },
          next,
        ),
      (next) => file?.pwrite(parts, 0, next),
      (next) => file?.datasync(next),
      syncDir,
      (next) =>
        openInto(
          files,
          temporaryName(current),
          'create',
          (opened) => {
            currentFile = opened;
          },
          next,
        ),
      (next) => currentFile?.truncate(0, next),
      (next) => currentFile?.pwrite([encodeCurrent(number)], 0, next),
      (next) => currentFile?.datasync(next),
      (next) => currentFile?.close(next),
      (next) => files.rename(temporaryName(current), current, next),
      syncDir,
    ];
    inTurn(steps, (error) => {
      const old = this.#file;
      const oldNumber = this.#number;
      if (error !== undefined) {
        // Whether CURRENT names it is unknown: it stays, and so does the old one. The next edit makes yet another.
        this.#file = undefined;
        closeAll([file, old], () => done(failure(error)));
        return;
      }
      this.#file = file;
      this.#number = number;
      this.#uid = uid;
      this.#length = length;
      const end = (): void => done({ ok: true, value: state });
      closeAll([old], () => {
        // One that can't be removed is removed at the next start.
        if (oldNumber === 0) end();
        else files.unlink(`${dir}/${manifestName(oldNumber)}`, end);
      });
    });
  }
}

/** With its header, for `offset` of the manifest with this uid. */
export function framed(edit: VersionEdit, uid: Uint8Array, offset: number): Buffer {
  const payload = encodeEdit(edit);
  const bytes = Buffer.alloc(EDIT_HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(payload.length, EDIT_PAYLOAD_BYTES);
  bytes.set(payload, EDIT_HEADER_BYTES);
  bytes.writeUInt32LE(editChecksum(bytes, 0, bytes.length, uid, offset), EDIT_CHECKSUM);
  return bytes;
}

function openInto(
  files: FileSystem,
  path: string,
  mode: 'create' | 'createNew',
  take: (file: OpenFile) => void,
  next: FileDone<void>,
): void {
  files.open(path, mode, (result) => {
    if (!result.ok) return next(result);
    take(result.value);
    next({ ok: true, value: undefined });
  });
}

/** Runs the steps one after the other, up to the first that fails. */
function inTurn(steps: readonly ((next: FileDone<void>) => void)[], done: (error: FileError | undefined) => void): void {
  const run = (i: number): void => {
    const step = steps[i];
    if (step === undefined) return done(undefined);
    step((result) => {
      if (result.ok) run(i + 1);
      else done(result.error);
    });
  };
  run(0);
}

function failure(cause: FileError): StorageResult<VersionState> {
  return { ok: false, error: new StorageError('IO', `manifest: ${cause.message}`, { cause }) };
}
