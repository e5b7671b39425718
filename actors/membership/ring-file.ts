/**
 * The file in which a RingActor keeps what it must not forget. Little-endian; varints and sized bytes as in storage/byte-writer.ts.
 *
 * ```
 * at 0    "DYNARING"
 *    8    u32 version of this format: 1
 *   12    u32 number of the file, as in its name
 *   16    u32 bytes of the body
 *   20    body
 *         u32 CRC-32 of all before
 *
 * body    owner          16 bytes: id of the member
 *         ring           u32 generation, u32 epoch, sized canonical encoding; 0, 0 and empty: none yet
 *         promised       u8 0, or u8 1 and a ballot
 *         accepted       u8 0, or u8 1, a ballot and a sized encoded proposal
 *         round          varint: the highest round that its owner has used or is about to use, for the epoch after `ring`
 *         registered     varint count, then of each: 16 bytes id, varint boot, 8 bytes instance
 *         decided        varint count, then of each: 16 bytes operation id, u32 generation, u32 epoch; oldest first
 * ballot  varint round, 16 bytes proposer
 * ```
 * Worked example: test/actors/membership/ring-file.test.ts.
 */
import { ByteReader, copyBytes, u32At } from '../../storage/byte-reader.ts';
import { ByteWriter } from '../../storage/byte-writer.ts';
import { crc32Of } from '../../storage/checksum.ts';
import { corruption, StorageError } from '../../storage/errors.ts';
import type { AcceptorState } from '../consensus/acceptor.ts';
import type { Id, RingVersion } from '../ring/ring-state.ts';
import type { Accepted, Ballot, RingBytes } from '../ring-protocol.ts';

/** The highest start of a member that this one has heard of. */
export interface Registration {
  readonly id: Id;
  readonly boot: number;
  readonly instance: string;
}

export interface DecidedOperation extends RingVersion {
  readonly operationId: Id;
}

export interface StoredRing extends AcceptorState {
  /** The member whose memory this is. */
  readonly owner: Id;
  /** The newest decided ring that is known; null before there is one. What was promised and accepted is for the epoch after it. */
  readonly ring: RingBytes | null;
  readonly round: number;
  /** One per id. */
  readonly registered: readonly Registration[];
  /** The last operations of which this member knows where they were decided. */
  readonly decided: readonly DecidedOperation[];
}

export const RING_FILE_BYTES_MAX = 64 * 1024 * 1024;

const MAGIC = Buffer.from('DYNARING', 'latin1');
const VERSION = 1;
const HEADER_BYTES = 20;
const CHECKSUM_BYTES = 4;
const ID_BYTES = 16;
const INSTANCE_BYTES = 8;
const COUNT_MAX = 65_536;

export function emptyStoredRing(owner: Id): StoredRing {
  return { owner, ring: null, promised: null, accepted: null, round: 0, registered: [], decided: [] };
}

export function encodeRingFile(state: StoredRing, number: number): Uint8Array {
  const body = new ByteWriter();
  putHex(body, state.owner);
  body.u32(state.ring?.generation ?? 0);
  body.u32(state.ring?.epoch ?? 0);
  body.sized(state.ring?.bytes ?? new Uint8Array(0));
  putOptional(body, state.promised, putBallot);
  putOptional(body, state.accepted, (out, { ballot, proposal }) => {
    putBallot(out, ballot);
    out.sized(proposal);
  });
  body.varint(state.round);
  body.varint(state.registered.length);
  for (const { id, boot, instance } of state.registered) {
    putHex(body, id);
    body.varint(boot);
    putHex(body, instance);
  }
  body.varint(state.decided.length);
  for (const { operationId, generation, epoch } of state.decided) {
    putHex(body, operationId);
    body.u32(generation);
    body.u32(epoch);
  }
  const file = new ByteWriter();
  file.put(MAGIC, 0, MAGIC.length);
  file.u32(VERSION);
  file.u32(number);
  file.u32(body.length);
  file.put(body.bytes, 0, body.length);
  file.u32(crc32Of(file.bytes, 0, file.length, 0));
  return copyBytes(file.bytes, 0, file.length);
}

/** Throws CORRUPTION, which names the place; UNKNOWN_FORMAT. */
export function decodeRingFile(bytes: Uint8Array, file: string, number: number): StoredRing {
  const bad = (offset: number, expected: string, found: string): StorageError => corruption({ file, offset, expected, found });
  const smallest = HEADER_BYTES + CHECKSUM_BYTES;
  if (bytes.length < smallest) throw bad(bytes.length, `at least ${smallest} bytes`, `${bytes.length}`);
  const magic = Buffer.from(bytes.subarray(0, MAGIC.length));
  if (!magic.equals(MAGIC)) throw bad(0, `the magic ${MAGIC.toString('hex')}`, magic.toString('hex'));
  const version = u32At(bytes, 8);
  const end = bytes.length - CHECKSUM_BYTES;
  const checksum = u32At(bytes, end);
  const computed = crc32Of(bytes, 0, end, 0);
  // A newer format has its checksum in the same place: a damaged version number is told from a new one.
  if (checksum !== computed) throw bad(end, `the checksum ${hex32(computed)}`, hex32(checksum));
  if (version !== VERSION) throw new StorageError('UNKNOWN_FORMAT', `${file}: expected version ${VERSION} of the format, found ${version}`);
  if (u32At(bytes, 12) !== number) throw bad(12, `the file number ${number}, as in its name`, `${u32At(bytes, 12)}`);
  if (u32At(bytes, 16) !== end - HEADER_BYTES) throw bad(16, `a body of ${end - HEADER_BYTES} bytes`, `${u32At(bytes, 16)}`);
  const body = new ByteReader(bytes, HEADER_BYTES, end, file, 0);
  const state: StoredRing = {
    owner: hexOf(body, ID_BYTES),
    ring: ringOf(body),
    promised: optionalOf(body, ballotOf),
    accepted: optionalOf(body, acceptedOf),
    round: body.varint(),
    registered: rowsOf(body, () => ({ id: hexOf(body, ID_BYTES), boot: body.varint(), instance: hexOf(body, INSTANCE_BYTES) })),
    decided: rowsOf(body, () => ({ operationId: hexOf(body, ID_BYTES), generation: body.u32(), epoch: body.u32() })),
  };
  body.ended();
  return state;
}

function putHex(out: ByteWriter, digits: string): void {
  const bytes = Buffer.from(digits, 'hex');
  out.put(bytes, 0, bytes.length);
}

function putBallot(out: ByteWriter, { round, proposer }: Ballot): void {
  out.varint(round);
  putHex(out, proposer);
}

function putOptional<T>(out: ByteWriter, value: T | null, put: (out: ByteWriter, value: T) => void): void {
  out.u8(value === null ? 0 : 1);
  if (value !== null) put(out, value);
}

function hexOf(body: ByteReader, count: number): string {
  return Buffer.from(body.take(count)).toString('hex');
}

function ringOf(body: ByteReader): RingBytes | null {
  const generation = body.u32();
  const epoch = body.u32();
  const bytes = body.sized(RING_FILE_BYTES_MAX);
  return bytes.length === 0 ? null : { generation, epoch, bytes: copyBytes(bytes, 0, bytes.length) };
}

function ballotOf(body: ByteReader): Ballot {
  return { round: body.varint(), proposer: hexOf(body, ID_BYTES) };
}

function acceptedOf(body: ByteReader): Accepted {
  const ballot = ballotOf(body);
  const proposal = body.sized(RING_FILE_BYTES_MAX);
  return { ballot, proposal: copyBytes(proposal, 0, proposal.length) };
}

function optionalOf<T>(body: ByteReader, read: (body: ByteReader) => T): T | null {
  const flag = body.u8();
  if (flag > 1) throw body.bad('0 or 1', `${flag}`);
  return flag === 0 ? null : read(body);
}

function rowsOf<T>(body: ByteReader, read: () => T): T[] {
  const count = body.varint();
  if (count > COUNT_MAX) throw body.bad(`at most ${COUNT_MAX} rows`, `${count}`);
  return Array.from({ length: count }, read);
}

function hex32(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
