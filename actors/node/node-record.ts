/**
 * NodeRecord: what a data directory says of the node it belongs to, and its file NODE. Little-endian; strings are a varint of the length in
 * bytes and UTF-8.
 *
 * ```
 *  0  "DYNANODE"
 *  8  u32  version: 1
 * 12  u32  length of the body
 * 16  u32  checksum (CRC-32) of bytes 0 to 15
 * 20  body:
 *     16 bytes  id of the node
 *     16 bytes  id of the cluster; zeros: none yet
 *     u8        phase: index in PHASES
 *     u32       shards
 *     u64       boot
 *     string    name
 *     string    address as `node@host:port,port...`; empty: never listened
 *     u32  checksum of the body, seeded with the one before it
 * ```
 * A later version keeps the first 20 bytes. A worked example is in README.md.
 */
import { errorMessage } from '../../runtime/errors.ts';
import { formatNodeAddress, type NodeAddress, parseNodeAddress } from '../../runtime/node-address.ts';
import { ByteReader, u32At } from '../../storage/byte-reader.ts';
import { ByteWriter } from '../../storage/byte-writer.ts';
import { crc32 } from '../../storage/checksum.ts';
import { StorageError } from '../../storage/errors.ts';
import type { Id } from '../ring/ring-state.ts';
import { NodeError } from './node-error.ts';

/** On disk as an index: append only. new: of no cluster. initialising, joining: has decided for a cluster, and may not be in its ring yet. */
export const PHASES = ['new', 'initialising', 'joining', 'member'] as const;
export type Phase = (typeof PHASES)[number];

export interface NodeRecord {
  readonly id: Id;
  /** Empty: none yet. */
  readonly cluster: Id;
  readonly phase: Phase;
  readonly name: string;
  readonly shards: number;
  /** Starts of this directory. */
  readonly boot: number;
  /** Where it listened last. */
  readonly address: NodeAddress | null;
}

export const RECORD_VERSION = 1;
/** Longer files are none of ours. */
export const RECORD_BYTES_MAX = 64 * 1024;
const MAGIC = Buffer.from('DYNANODE', 'latin1');
const HEADER_BYTES = 20;
const ID_BYTES = 16;
const ID = /^[0-9a-f]{32}$/;
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,30}$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

/** As members of a ring are named. */
export function isNodeName(text: string): boolean {
  return NAME.test(text);
}

/** Requires: ids and name of their forms. */
export function encodeRecord(record: NodeRecord): Buffer {
  const body = new ByteWriter();
  body.put(idBytes(record.id), 0, ID_BYTES);
  body.put(idBytes(record.cluster), 0, ID_BYTES);
  body.u8(PHASES.indexOf(record.phase));
  body.u32(record.shards);
  body.u64(record.boot);
  body.sized(Buffer.from(record.name));
  body.sized(Buffer.from(record.address === null ? '' : formatNodeAddress(record.address)));
  const out = new ByteWriter();
  out.put(MAGIC, 0, MAGIC.length);
  out.u32(RECORD_VERSION);
  out.u32(body.length);
  const head = crc32(out.bytes.subarray(0, out.length));
  out.u32(head);
  out.put(body.bytes, 0, body.length);
  out.u32(crc32(body.bytes.subarray(0, body.length), head));
  return Buffer.from(out.bytes.subarray(0, out.length));
}

/** Errors: DAMAGED, saying where and what was expected; NEWER_FORMAT. */
export function decodeRecord(bytes: Uint8Array, file: string): NodeRecord {
  if (bytes.length < HEADER_BYTES) throw damaged(file, `${HEADER_BYTES} bytes or more`, `${bytes.length}`);
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) throw damaged(file, 'DYNANODE at its begin', 'something else');
  const head = u32At(bytes, 16);
  if (crc32(bytes.subarray(0, 16)) !== head) throw damaged(file, 'the checksum of bytes 0 to 15 at 16', 'another');
  const version = u32At(bytes, 8);
  if (version !== RECORD_VERSION)
    throw new NodeError(
      'NEWER_FORMAT',
      `${file}: format ${version}, this version of dynactor reads ${RECORD_VERSION}; start it with the newer one`,
    );
  const end = HEADER_BYTES + u32At(bytes, 12);
  if (bytes.length !== end + 4) throw damaged(file, `${end + 4} bytes`, `${bytes.length}`);
  if (crc32(bytes.subarray(HEADER_BYTES, end), head) !== u32At(bytes, end))
    throw damaged(file, `the checksum of its body at ${end}`, 'another');
  return decodeBody(bytes, end, file);
}

function decodeBody(bytes: Uint8Array, end: number, file: string): NodeRecord {
  const reader = new ByteReader(bytes, HEADER_BYTES, end, file, 0);
  try {
    const id = idText(reader.take(ID_BYTES));
    const cluster = idText(reader.take(ID_BYTES));
    const phase = PHASES[reader.u8()];
    const shards = reader.u32();
    const boot = reader.u64();
    const name = Buffer.from(reader.sized(RECORD_BYTES_MAX)).toString();
    const address = Buffer.from(reader.sized(RECORD_BYTES_MAX)).toString();
    reader.ended();
    if (phase === undefined || id === '' || !isNodeName(name)) throw reader.bad('a phase, an id and a name', 'others');
    return { id, cluster, phase, name, shards, boot, address: address === '' ? null : parseNodeAddress(address) };
  } catch (error) {
    if (error instanceof StorageError) throw new NodeError('DAMAGED', error.message, { cause: error });
    throw damaged(file, 'a record of a node', errorMessage(error));
  }
}

function idBytes(id: Id): Buffer {
  return id === '' ? Buffer.alloc(ID_BYTES) : Buffer.from(id, 'hex');
}

/** Zeros are no id. */
function idText(bytes: Uint8Array): Id {
  const text = Buffer.from(bytes).toString('hex');
  return /^0+$/.test(text) ? '' : text;
}

function damaged(file: string, expected: string, found: string): NodeError {
  return new NodeError(
    'DAMAGED',
    `${file} is damaged: expected ${expected}, found ${found}; who this node is can't be told without it: bring it back from a copy made since the last start, or remove the node from its ring and start a new one on an empty directory`,
  );
}
