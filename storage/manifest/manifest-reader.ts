/** Manifest files, read: the header, CURRENT, and the row of edits. */
import { crc32Of } from '../checksum.ts';
import { corruption, StorageError } from '../errors.ts';
import { manifestName, parseFileName } from './file-names.ts';
import {
  CURRENT_TITLE,
  CURRENT_VERSION,
  EDIT_CHECKSUM,
  EDIT_FIXED_BYTES,
  EDIT_HEADER_BYTES,
  EDIT_PAYLOAD_BYTES,
  MANIFEST_CHECKSUM,
  MANIFEST_DB_UID,
  MANIFEST_HEADER_BYTES,
  MANIFEST_MAGIC,
  MANIFEST_MAGIC_HIGH,
  MANIFEST_MAGIC_LOW,
  MANIFEST_NUMBER,
  MANIFEST_UID,
  MANIFEST_VERSION,
  MANIFEST_VERSION_AT,
  UID_BYTES,
} from './manifest-format.ts';
import { decodeEdit, type VersionEdit } from './version-edit.ts';
import { VersionState } from './version-state.ts';

export interface ManifestHeader {
  readonly number: number;
  readonly uid: Uint8Array;
  readonly dbUid: Uint8Array;
}

export interface ManifestReading {
  readonly header: ManifestHeader;
  readonly edits: readonly VersionEdit[];
  /** The sum of the edits. */
  readonly state: VersionState;
  /**
   * `closed`: by its last edit. `open`: the file ends with a whole edit. `torn`: behind the last whole edit are remains of one that was under way, or
   * of a last one that was damaged since: that can't be told.
   */
  readonly end: { readonly kind: 'closed' | 'open' | 'torn'; readonly offset: number };
}

export function encodeManifestHeader(header: ManifestHeader): Buffer {
  const bytes = Buffer.alloc(MANIFEST_HEADER_BYTES);
  bytes.writeUInt32LE(MANIFEST_MAGIC_LOW, MANIFEST_MAGIC);
  bytes.writeUInt32LE(MANIFEST_MAGIC_HIGH, MANIFEST_MAGIC + 4);
  bytes.writeUInt32LE(MANIFEST_VERSION, MANIFEST_VERSION_AT);
  bytes.writeUInt32LE(header.number, MANIFEST_NUMBER);
  bytes.set(header.uid, MANIFEST_UID);
  bytes.set(header.dbUid, MANIFEST_DB_UID);
  bytes.writeUInt32LE(crc32Of(bytes, 0, MANIFEST_CHECKSUM, 0), MANIFEST_CHECKSUM);
  return bytes;
}

/** Checksum of an edit whose header begins at `bytes[at]` and whose payload ends at `end`; `offset`: its place in the file. */
export function editChecksum(bytes: Uint8Array, at: number, end: number, uid: Uint8Array, offset: number): number {
  const place = Buffer.alloc(UID_BYTES + 8);
  place.set(uid);
  place.writeDoubleLE(offset, UID_BYTES);
  return crc32Of(bytes, at + EDIT_PAYLOAD_BYTES, end, crc32Of(place, 0, place.length, 0));
}

/** The whole file, named `file`. Throws CORRUPTION, UNKNOWN_FORMAT. */
export function readManifest(bytes: Buffer, file: string, mutants?: ReadonlySet<string>): ManifestReading {
  const header = decodeHeader(bytes, file);
  const edits: VersionEdit[] = [];
  let state = VersionState.empty;
  let at = MANIFEST_HEADER_BYTES;
  const ended = (kind: 'closed' | 'open' | 'torn'): ManifestReading => ({ header, edits, state, end: { kind, offset: at } });
  for (;;) {
    const closed = edits.at(-1)?.kind === 'close';
    if (at === bytes.length && edits.length > 0) return ended(closed ? 'closed' : 'open');
    const end = wholeEdit(bytes, at, header.uid);
    if (end === undefined) {
      // The first edit was on disk before CURRENT named the file, and nothing is written after a close or behind an edit under way.
      if (mutants?.has('truncateInsteadOfReport') === true) return ended('torn');
      if (edits.length === 0)
        throw corruption({ file, offset: at, expected: 'a whole first edit', found: `${bytes.length - at} other bytes` });
      if (closed)
        throw corruption({ file, offset: at, expected: 'the end of the file, after a close', found: `${bytes.length - at} more bytes` });
      const later = laterEdit(bytes, at, header.uid);
      if (later !== undefined)
        throw corruption({ file, offset: at, expected: `a whole edit, as at ${later}`, found: 'a checksum of other bytes' });
      return ended('torn');
    }
    const edit = decodeEdit(bytes, at + EDIT_HEADER_BYTES, end, file);
    if ((edit.kind === 'snapshot') !== (edits.length === 0)) {
      throw corruption({ file, offset: at, expected: 'a snapshot first, and only there', found: `an edit of kind ${edit.kind}` });
    }
    if (closed) throw corruption({ file, offset: at, expected: 'the end of the file, after a close', found: 'an edit' });
    state = applied(state, edit, file, at);
    edits.push(edit);
    at = end;
  }
}

export function encodeCurrent(manifestNumber: number): Buffer {
  const text = `${CURRENT_TITLE} ${CURRENT_VERSION} ${manifestName(manifestNumber)} `;
  return Buffer.from(`${text}${checksumText(text)}\n`, 'latin1');
}

/** Number of the manifest that CURRENT names. Throws CORRUPTION, UNKNOWN_FORMAT. */
export function decodeCurrent(bytes: Buffer, file: string): number {
  const found = bytes.subarray(0, 80).toString('latin1');
  const parts = /^(?<text>dynactor-current (?<version>\d{1,9}) (?<name>\S{1,40}) )(?<checksum>[0-9a-f]{8})\n$/.exec(found)?.groups;
  const text = parts?.text ?? '';
  if (parts === undefined || bytes.length > 80 || parts.checksum !== checksumText(text)) {
    throw corruption({
      file,
      offset: 0,
      expected: `"${CURRENT_TITLE} ${CURRENT_VERSION} MANIFEST-number checksum"`,
      found: JSON.stringify(found),
    });
  }
  if (Number(parts.version) !== CURRENT_VERSION) {
    throw new StorageError('UNKNOWN_FORMAT', `${file}: expected version ${CURRENT_VERSION}, found ${parts.version}`);
  }
  const name = parseFileName(parts.name ?? '');
  if (name.kind !== 'manifest')
    throw corruption({ file, offset: 0, expected: 'the name of a manifest', found: JSON.stringify(parts.name) });
  return name.number;
}

function decodeHeader(bytes: Buffer, file: string): ManifestHeader {
  if (bytes.length < MANIFEST_HEADER_BYTES) {
    throw corruption({ file, offset: bytes.length, expected: `a header of ${MANIFEST_HEADER_BYTES} bytes`, found: 'the end of the file' });
  }
  const expect = (offset: number, what: string, expected: number): void => {
    const found = bytes.readUInt32LE(offset);
    if (found !== expected) throw corruption({ file, offset, expected: `${what} ${expected}`, found: `${found}` });
  };
  expect(MANIFEST_MAGIC, 'first half of the magic', MANIFEST_MAGIC_LOW);
  expect(MANIFEST_MAGIC + 4, 'second half of the magic', MANIFEST_MAGIC_HIGH);
  expect(MANIFEST_CHECKSUM, 'checksum', crc32Of(bytes, 0, MANIFEST_CHECKSUM, 0));
  const version = bytes.readUInt32LE(MANIFEST_VERSION_AT);
  if (version !== MANIFEST_VERSION) {
    throw new StorageError('UNKNOWN_FORMAT', `${file}: expected a manifest of version ${MANIFEST_VERSION}, found ${version}`);
  }
  const number = bytes.readUInt32LE(MANIFEST_NUMBER);
  return {
    number,
    uid: Uint8Array.from(bytes.subarray(MANIFEST_UID, MANIFEST_UID + UID_BYTES)),
    dbUid: Uint8Array.from(bytes.subarray(MANIFEST_DB_UID, MANIFEST_DB_UID + UID_BYTES)),
  };
}

/** End of the edit at `at`; undefined where there is none whose checksum holds. */
function wholeEdit(bytes: Buffer, at: number, uid: Uint8Array): number | undefined {
  if (at + EDIT_HEADER_BYTES + EDIT_FIXED_BYTES > bytes.length) return undefined;
  const payloadBytes = bytes.readUInt32LE(at + EDIT_PAYLOAD_BYTES);
  const end = at + EDIT_HEADER_BYTES + payloadBytes;
  if (payloadBytes < EDIT_FIXED_BYTES || end > bytes.length) return undefined;
  return editChecksum(bytes, at, end, uid, at) === bytes.readUInt32LE(at + EDIT_CHECKSUM) ? end : undefined;
}

/** Place of a whole edit behind `from`. */
function laterEdit(bytes: Buffer, from: number, uid: Uint8Array): number | undefined {
  for (let at = from + 1; at + EDIT_HEADER_BYTES + EDIT_FIXED_BYTES <= bytes.length; at++) {
    // The kind first: it spares the checksum of most places.
    const kind = bytes.readUInt32LE(at + EDIT_HEADER_BYTES);
    if (kind >= 1 && kind <= 3 && wholeEdit(bytes, at, uid) !== undefined) return at;
  }
  return undefined;
}

function applied(state: VersionState, edit: VersionEdit, file: string, offset: number): VersionState {
  try {
    return state.apply(edit);
  } catch (error) {
    if (error instanceof StorageError)
      throw corruption({ file, offset, expected: 'an edit that fits the ones before', found: error.message });
    throw error;
  }
}

function checksumText(text: string): string {
  return crc32Of(Buffer.from(text, 'latin1'), 0, text.length, 0).toString(16).padStart(8, '0');
}
