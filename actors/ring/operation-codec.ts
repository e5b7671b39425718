/**
 * The encoding of a proposal: what voters accept, keep on disk and hand to whoever finishes the decision. One only for each proposal.
 *
 * ```
 *   "DOpn" version=1 operationId[16] type fields
 * ```
 * Only the form is checked here; whether it can be done is for `applyOperation` to say, against a ring.
 */
import { unreachable } from '../../runtime/errors.ts';
import { ByteWriter } from '../../storage/byte-writer.ts';
import { CAPACITY_MAX, EPOCH_MAX, KEYSPACE_KEY_BYTES_MAX, KEYSPACE_NAME, REPLICAS_MAX, VALUE_BYTES_MAX } from './limits.ts';
import type { Operation, Proposal } from './operation.ts';
import {
  atLeastOne,
  DURABILITIES,
  MODES,
  putAddress,
  putHex,
  putKeyspace,
  putMember,
  putOne,
  putOwners,
  putReplicaCount,
  putText,
  readAddress,
  readKeyspace,
  readMember,
  readOwners,
  readPrimaryCount,
  readReplicaCount,
  STEPS,
  TTL_MAX,
} from './ring-fields.ts';
import { RingReader } from './ring-reader.ts';

const MAGIC = [0x44, 0x4f, 0x70, 0x6e] as const;
const VERSION = 1;

/** Numbers are places in this list: it only ever grows at its end. */
const TYPES: readonly Operation['type'][] = [
  ...(['addMember', 'removeMember', 'replaceMember', 'setCapacity', 'setAddress', 'excludeMember', 'includeMember'] as const),
  ...(['createKeyspace', 'alterKeyspace', 'dropKeyspace', 'beginTransition', 'advance', 'cancelTransition'] as const),
];

type Changes = Extract<Operation, { type: 'alterKeyspace' }>['changes'];
/** Bits of the byte that says which fields of a keyspace change, from the lowest. A second byte is there where a field of `MORE_CHANGES` changes. */
const CHANGES: readonly (keyof Changes)[] = ['n', 'r', 'w', 'mode', 'durability', 'ttlMs', 'keyBytesMax', 'valueBytesMax'];
const MORE_CHANGES: readonly (keyof Changes)[] = ['pr', 'pw'];

/** Requires: fields of the stated form. */
export function encodeProposal({ operationId, operation }: Proposal): Buffer {
  const writer = new ByteWriter();
  for (const byte of MAGIC) writer.u8(byte);
  writer.u8(VERSION);
  putHex(writer, operationId);
  putOne(writer, TYPES, operation.type);
  putFields(writer, operation);
  return writer.bytes.subarray(0, writer.length);
}

/** Errors: PROTOCOL, with what was found and what was expected. */
export function decodeProposal(bytes: Uint8Array): Proposal {
  const reader = new RingReader(bytes, 'proposal');
  for (const byte of MAGIC) if (reader.u8('magic') !== byte) throw reader.bad('magic', 'DOpn', 'other bytes');
  const version = reader.u8('version');
  if (version !== VERSION) throw reader.bad('version', `${VERSION}`, `${version}`);
  const operationId = reader.id('operationId');
  const operation = readFields(reader, reader.one('type', TYPES));
  reader.ended();
  return { operationId, operation };
}

function putFields(writer: ByteWriter, operation: Operation): void {
  switch (operation.type) {
    case 'addMember':
      putMember(writer, operation.member);
      break;
    case 'removeMember':
    case 'excludeMember':
    case 'includeMember':
      putHex(writer, operation.id);
      break;
    case 'replaceMember':
      putHex(writer, operation.id);
      putMember(writer, operation.member);
      break;
    case 'setCapacity':
      putHex(writer, operation.id);
      writer.varint(operation.capacity);
      break;
    case 'setAddress':
      putHex(writer, operation.id);
      putAddress(writer, operation.address);
      break;
    case 'createKeyspace':
      putKeyspace(writer, operation.keyspace);
      break;
    case 'alterKeyspace':
      putText(writer, operation.name);
      putChanges(writer, operation.changes);
      break;
    case 'dropKeyspace':
      putText(writer, operation.name);
      break;
    case 'beginTransition':
      putHex(writer, operation.parent);
      putOwners(writer, operation.owners);
      break;
    case 'advance':
      writer.varint(operation.startedAt);
      putOne(writer, STEPS, operation.step);
      break;
    case 'cancelTransition':
      writer.varint(operation.startedAt);
      break;
    default:
      unreachable(operation);
  }
}

function readFields(reader: RingReader, type: Operation['type']): Operation {
  switch (type) {
    case 'addMember':
      return { type, member: readMember(reader) };
    case 'removeMember':
    case 'excludeMember':
    case 'includeMember':
      return { type, id: reader.id('id') };
    case 'replaceMember':
      return { type, id: reader.id('id'), member: readMember(reader) };
    case 'setCapacity':
      return { type, id: reader.id('id'), capacity: atLeastOne(reader, 'capacity', CAPACITY_MAX) };
    case 'setAddress':
      return { type, id: reader.id('id'), address: readAddress(reader) };
    case 'createKeyspace':
      return { type, keyspace: readKeyspace(reader) };
    case 'alterKeyspace':
      return { type, name: reader.text('name', KEYSPACE_NAME, 64), changes: readChanges(reader) };
    case 'dropKeyspace':
      return { type, name: reader.text('name', KEYSPACE_NAME, 64) };
    case 'beginTransition':
      return { type, parent: reader.hash('parent'), owners: readOwners(reader, 'owners') };
    case 'advance':
      return { type, startedAt: reader.varint('startedAt', EPOCH_MAX), step: reader.one('step', STEPS) };
    case 'cancelTransition':
      return { type, startedAt: reader.varint('startedAt', EPOCH_MAX) };
    default:
      return unreachable(type);
  }
}

function putChanges(writer: ByteWriter, changes: Changes): void {
  writer.u8(bitsOf(CHANGES, changes));
  if (changes.n !== undefined) writer.varint(changes.n);
  if (changes.r !== undefined) putReplicaCount(writer, changes.r);
  if (changes.w !== undefined) putReplicaCount(writer, changes.w);
  if (changes.mode !== undefined) putOne(writer, MODES, changes.mode);
  if (changes.durability !== undefined) putOne(writer, DURABILITIES, changes.durability);
  if (changes.ttlMs !== undefined) writer.varint(changes.ttlMs);
  if (changes.keyBytesMax !== undefined) writer.varint(changes.keyBytesMax);
  if (changes.valueBytesMax !== undefined) writer.varint(changes.valueBytesMax);
  const more = bitsOf(MORE_CHANGES, changes);
  if (more === 0) return;
  writer.u8(more);
  if (changes.pr !== undefined) putReplicaCount(writer, changes.pr);
  if (changes.pw !== undefined) putReplicaCount(writer, changes.pw);
}

function bitsOf(fields: readonly (keyof Changes)[], changes: Changes): number {
  return fields.reduce((bits, field, bit) => (changes[field] === undefined ? bits : bits | (1 << bit)), 0);
}

function readChanges(reader: RingReader): Changes {
  const bits = reader.u8('changes');
  const has = (field: keyof Changes): boolean => (bits & (1 << CHANGES.indexOf(field))) !== 0;
  const changes: Changes = {
    ...(has('n') && { n: atLeastOne(reader, 'n', REPLICAS_MAX) }),
    ...(has('r') && { r: readReplicaCount(reader, 'r') }),
    ...(has('w') && { w: readReplicaCount(reader, 'w') }),
    ...(has('mode') && { mode: reader.one('mode', MODES) }),
    ...(has('durability') && { durability: reader.one('durability', DURABILITIES) }),
    ...(has('ttlMs') && { ttlMs: reader.varint('ttlMs', TTL_MAX) }),
    ...(has('keyBytesMax') && { keyBytesMax: atLeastOne(reader, 'keyBytesMax', KEYSPACE_KEY_BYTES_MAX) }),
    ...(has('valueBytesMax') && { valueBytesMax: reader.varint('valueBytesMax', VALUE_BYTES_MAX) }),
  };
  return reader.isAtEnd ? changes : { ...changes, ...readMoreChanges(reader) };
}

function readMoreChanges(reader: RingReader): Pick<Changes, 'pr' | 'pw'> {
  const bits = reader.u8('more changes');
  if (bits < 1 || bits >= 1 << MORE_CHANGES.length) throw reader.bad('more changes', `1 to ${(1 << MORE_CHANGES.length) - 1}`, `${bits}`);
  return {
    ...((bits & 1) !== 0 && { pr: readPrimaryCount(reader, 'pr') }),
    ...((bits & 2) !== 0 && { pw: readPrimaryCount(reader, 'pw') }),
  };
}
