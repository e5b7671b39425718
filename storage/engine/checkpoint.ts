/** A copy of a live database: tables are hard links (they never change), the manifest is new, and of the log nothing is needed. */

import { StorageError } from '../errors.ts';
import { CURRENT_NAME, tableName } from '../manifest/file-names.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import { VersionState } from '../manifest/version-state.ts';
import type { WriteDone } from './api.ts';
import type { EngineParts } from './engine-parts.ts';
import { forEach, ioError, parentOf } from './file-steps.ts';
import type { OpenTable } from './open-table.ts';

const LINKS_AT_ONCE = 8;
const MANIFEST_BYTES_MAX = 1 << 20;

/**
 * Requires: what the copy shall have is in tables; `dir` is absolute, its parent exists, on the same disk.
 * Durability: the copy is on disk when it is done. A crash before that leaves a directory without CURRENT, which is no database.
 * Errors: IO; CANCELLED; EXISTS when `dir` has a database.
 */
export function checkpointEngine(parts: EngineParts, dir: string, done: WriteDone): void {
  const { doors, versions } = parts;
  const { files, random, timers } = doors;
  if (parts.isClosing) {
    timers.soon(() => done(new StorageError('CANCELLED', 'the database was closed before the checkpoint began')));
    return;
  }
  parts.beginWork();
  const version = versions.hold();
  const finish = (error: StorageError | undefined): void => {
    versions.release(version);
    parts.endWork();
    timers.soon(() => done(error));
  };
  const tables: readonly OpenTable[] = version.levels.flat();
  files.mkdir(dir, (made) => {
    if (!made.ok && made.error.code !== 'EEXIST') return finish(ioError('checkpoint', made.error));
    files.stat(`${dir}/${CURRENT_NAME}`, (stat) => {
      if (stat.ok) return finish(new StorageError('EXISTS', `${dir} has a database already`));
      forEach<OpenTable, void>(
        tables,
        LINKS_AT_ONCE,
        ({ meta }, linked) => {
          const name = tableName(meta.number);
          files.link(`${parts.dir}/${name}`, `${dir}/${name}`, (result) => {
            linked(result.ok ? result : { ok: false, error: ioError('checkpoint', result.error) });
          });
        },
        (result) => {
          if (!result.ok) return finish(result.error);
          const { lastSequence } = version.state;
          const manifest = new ManifestWriter({
            files,
            random,
            dir,
            dbUid: parts.dbUid,
            state: VersionState.empty,
            oldNumber: undefined,
            bytesMax: MANIFEST_BYTES_MAX,
            mutants: parts.options.mutants,
          });
          for (const { meta } of tables) manifest.reserveNumber(meta.number);
          manifest.append(
            { kind: 'change', logNumber: 0, lastSequence, removed: [], added: tables.map(({ meta }) => meta), options: '' },
            (written) => {
              if (!written.ok) return finish(written.error);
              manifest.close((closed) => {
                if (!closed.ok) return finish(closed.error);
                files.syncDir(parentOf(dir), (synced) => finish(synced.ok ? undefined : ioError('checkpoint', synced.error)));
              });
            },
          );
        },
      );
    });
  });
}
