/**
 * The encoding of a ring: one only for each ring, so that equal rings have equal bytes and equal hashes (FAULTS A11). It travels between nodes and is
 * kept on disk.
 *
 * ```
 *   "DRng" version=1
 *   cluster[16] clusterName generation epoch hasParent parent[8]? operationId[16]
 *   count (member state isExcluded)* owners
 *   hasTransition (startedAt step owners)?
 *   changedAt of each partition
 *   count (id keyspace)* nextKeyspaceId count banned[16]*
 * ```
 * Numbers are varints in their shortest form, texts a length and ASCII, words one byte, flags 0 or 1.
 */
import { RuntimeError } from '../../runtime/errors.ts';
import { ByteWriter } from '../../storage/byte-writer.ts';
import { BANNED_MAX, EPOCH_MAX, KEYSPACES_MAX, LABEL, MEMBERS_MAX } from './limits.ts';
import {
  atLeastOne,
  putHex,
  putKeyspace,
  putMember,
  putOne,
  putOwners,
  putText,
  readKeyspace,
  readMember,
  readOwners,
  STATES,
  STEPS,
} from './ring-fields.ts';
import { RingReader } from './ring-reader.ts';
import type { Keyspace, Member, RingState, Transition } from './ring-state.ts';
import { fingerprintText } from './token.ts';
import { validateRing } from './validate.ts';

const MAGIC = [0x44, 0x52, 0x6e, 0x67] as const;
const VERSION = 1;

/** Requires: a sound ring (`validateRing`). Cost: about a byte per partition and entry. */
export function encodeRing(ring: RingState): Buffer {
  const writer = new ByteWriter();
  for (const byte of MAGIC) writer.u8(byte);
  writer.u8(VERSION);
  putHex(writer, ring.cluster);
  putText(writer, ring.clusterName);
  writer.varint(ring.generation);
  writer.varint(ring.epoch);
  writer.u8(ring.parent === '' ? 0 : 1);
  putHex(writer, ring.parent);
  putHex(writer, ring.operationId);
  writer.varint(ring.members.length);
  for (const member of ring.members) {
    putMember(writer, member);
    putOne(writer, STATES, member.state);
    writer.u8(member.isExcluded ? 1 : 0);
  }
  putOwners(writer, ring.owners);
  writer.u8(ring.transition === null ? 0 : 1);
  if (ring.transition !== null) {
    writer.varint(ring.transition.startedAt);
    putOne(writer, STEPS, ring.transition.step);
    putOwners(writer, ring.transition.owners);
  }
  for (const epoch of ring.changedAt) writer.varint(epoch);
  writer.varint(ring.keyspaces.length);
  for (const keyspace of ring.keyspaces) {
    writer.varint(keyspace.id);
    putKeyspace(writer, keyspace);
  }
  writer.varint(ring.nextKeyspaceId);
  writer.varint(ring.banned.length);
  for (const id of ring.banned) putHex(writer, id);
  return writer.bytes.subarray(0, writer.length);
}

/**
 * The ring that `bytes` are the encoding of, sound in every way that one ring can show.
 * Errors: PROTOCOL, with what was found and what was expected; nothing is allocated beyond a small multiple of what came.
 */
export function decodeRing(bytes: Uint8Array): RingState {
  const reader = new RingReader(bytes, 'ring');
  for (const byte of MAGIC) if (reader.u8('magic') !== byte) throw reader.bad('magic', 'DRng', 'other bytes');
  const version = reader.u8('version');
  if (version !== VERSION) throw reader.bad('version', `${VERSION}`, `${version}`);
  const ring = readRing(reader);
  reader.ended();
  const problems = validateRing(ring);
  if (problems.length > 0) throw new RuntimeError('PROTOCOL', `ring: ${problems.slice(0, 3).join('; ')}`);
  return ring;
}

/** `fingerprint64` of the encoding, 16 lower-case hexadecimal digits. */
export function hashOfRing(ring: RingState): string {
  return fingerprintText(encodeRing(ring));
}

/** As `hashOfRing`, of the bytes at hand. */
export function hashOfRingBytes(bytes: Uint8Array): string {
  return fingerprintText(bytes);
}

function readRing(reader: RingReader): RingState {
  const cluster = reader.id('cluster');
  const clusterName = reader.text('clusterName', LABEL, 64);
  const generation = atLeastOne(reader, 'generation', EPOCH_MAX);
  const epoch = atLeastOne(reader, 'epoch', EPOCH_MAX);
  const parent = reader.isTrue('hasParent') ? reader.hash('parent') : '';
  const operationId = reader.id('operationId');
  const members = Array.from({ length: reader.count('members', MEMBERS_MAX) }, () => readMemberOfRing(reader));
  const owners = readOwners(reader, 'owners');
  const transition = reader.isTrue('hasTransition') ? readTransition(reader) : null;
  const changedAt = new Uint32Array(owners.length);
  for (let p = 0; p < changedAt.length; p++) changedAt[p] = reader.varint('changedAt', EPOCH_MAX);
  const keyspaces = Array.from({ length: reader.count('keyspaces', KEYSPACES_MAX) }, () => readKeyspaceOfRing(reader));
  const nextKeyspaceId = reader.varint('nextKeyspaceId', EPOCH_MAX);
  const banned = reader.ids('banned', BANNED_MAX);
  // Without spreads: V8 gives what those make a hidden class of its own each time, and each epoch all that looks into the ring for a request would be compiled anew.
  return {
    cluster,
    clusterName,
    generation,
    epoch,
    parent,
    operationId,
    members,
    owners,
    transition,
    changedAt,
    keyspaces,
    nextKeyspaceId,
    banned,
  };
}

function readMemberOfRing(reader: RingReader): Member {
  const { id, name, address, dataCenter, rack, capacity, shards } = readMember(reader);
  const state = reader.one('state', STATES);
  return { id, name, address, dataCenter, rack, capacity, shards, state, isExcluded: reader.isTrue('isExcluded') };
}

function readKeyspaceOfRing(reader: RingReader): Keyspace {
  const id = reader.varint('keyspace id', EPOCH_MAX);
  const { name, n, r, w, pr, pw, mode, conflict, durability, ttlMs, keyBytesMax, valueBytesMax } = readKeyspace(reader);
  return { id, name, n, r, w, pr, pw, mode, conflict, durability, ttlMs, keyBytesMax, valueBytesMax };
}

function readTransition(reader: RingReader): Transition {
  return {
    startedAt: atLeastOne(reader, 'startedAt', EPOCH_MAX),
    step: reader.one('step', STEPS),
    owners: readOwners(reader, 'pending owners'),
  };
}
