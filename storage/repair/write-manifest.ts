/** Writes a whole manifest and lets CURRENT name it, in synchronous form. */
import type { SyncFileSystem } from '../../runtime/files.ts';
import { CURRENT_NAME, manifestName, temporaryName } from '../manifest/file-names.ts';
import { EDIT_CHECKSUM, EDIT_HEADER_BYTES, EDIT_PAYLOAD_BYTES, MANIFEST_HEADER_BYTES } from '../manifest/manifest-format.ts';
import { editChecksum, encodeCurrent, encodeManifestHeader, type ManifestHeader } from '../manifest/manifest-reader.ts';
import { encodeEdit } from '../manifest/version-edit.ts';
import type { VersionState } from '../manifest/version-state.ts';
import { storageError } from '../table/table-parts.ts';

/** Durability: on disk, and in use, when it returns. Errors: IO; CURRENT is then as it was. */
export function writeManifest(files: SyncFileSystem, dir: string, header: ManifestHeader, state: VersionState): void {
  const payload = encodeEdit(state.snapshot());
  const edit = Buffer.alloc(EDIT_HEADER_BYTES + payload.length);
  edit.writeUInt32LE(payload.length, EDIT_PAYLOAD_BYTES);
  edit.set(payload, EDIT_HEADER_BYTES);
  edit.writeUInt32LE(editChecksum(edit, 0, edit.length, header.uid, MANIFEST_HEADER_BYTES), EDIT_CHECKSUM);
  const current = `${dir}/${CURRENT_NAME}`;
  try {
    writeFile(files, `${dir}/${manifestName(header.number)}`, [encodeManifestHeader(header), edit]);
    files.syncDir(dir);
    writeFile(files, temporaryName(current), [encodeCurrent(header.number)]);
    files.rename(temporaryName(current), current);
    files.syncDir(dir);
  } catch (error) {
    throw storageError(error);
  }
}

function writeFile(files: SyncFileSystem, path: string, parts: readonly Uint8Array[]): void {
  const file = files.open(path, 'create');
  try {
    file.truncate(0);
    file.pwrite(parts, 0);
    file.datasync();
  } finally {
    file.close();
  }
}
