/**
 * Frames of repair: between the MerkleActors of two replicas of a partition. Numbers are little-endian, tokens are two u32, high half first; hashes and digests low half first.
 *
 * | operation | payload | answer |
 * |---|---|---|
 * | ROOTS | roots of many partitions of a keyspace | ROOTED: which of them differ from the answerer's |
 * | NODES | place, nodes of a level | NODED: hashes of their children |
 * | PAIRS | place, leaves | PAIRED: tokens and digests of what is in them, from a token on |
 * | HEADS | place, tokens | TOLD: entries (repair-entries.ts) of all keys of these tokens, without values |
 * | RECORDS | place, tokens with digests | TOLD: those with that digest, whole; 0: with whatever digest |
 * | MISSED | place, job | MENDED: OK when the receiver has pulled what it lacks from all other replicas since the job began, OVERLOADED while it does, TIMED_OUT when it could not |
 *
 * What is pushed travels as MERGE to the VNodeActor, as writes do (store/data-frames.ts).
 *
 * ```
 * ROOTS    0  u32  keyspace     4  u32  generation of the ring     8  u32  hash of what `changedAt` says of these partitions
 *         12  u8   bits of a partition's number    13  u8  zero    14  u16  partitions, 1 to 256
 *         16  per partition: u16 its number, 8 bytes its root
 * others   0  place head (store/place-head.ts) of the partition's first token, or of the one to go on from; option: NODES the level, else 0; no key
 *         24  u16  items, from 1     26  u8  bits of a partition's number    27  u8  zero
 *         28  items: NODES, PAIRS u16 each; HEADS a token; RECORDS a token, a digest
 * MISSED   0  place head of the partition's first token; no option, no key     24  16 bytes: the job, begun by the first frame that names it
 *
 * answers  0  u8   status (store-request.ts)     1  3 bytes  zero      any status but OK: a message for people, UTF-8
 * ROOTED   4  u32  milliseconds since the reading of its oldest tree began      8  u16 each: partitions that differ
 * NODED    4  8 bytes each: the children of the first node, of the second, ...
 * PAIRED   4  u8   1: that is all     5  3 bytes  zero      8  per key: token, digest
 * TOLD     4  u16  items that were looked at, from 1    6  u16  zero     8  entries
 * ```
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import type { RingState } from '../ring/ring-state.ts';
import { ANSWER_HEAD_BYTES } from '../store/data-frames.ts';
import { PLACE_HEAD_BYTES, PlaceHead } from '../store/place-head.ts';
import { Pairs } from './pairs.ts';
import { type RepairEntry, readEntries } from './repair-entries.ts';

/** Of MerkleActor. */
export const MERKLE_SLOT = 10;

export const ROOTS = 32;
export const ROOTED = 33;
export const NODES = 34;
export const NODED = 35;
export const PAIRS = 36;
export const PAIRED = 37;
export const HEADS = 38;
export const RECORDS = 39;
export const TOLD = 40;
export const MISSED = 41;
export const MENDED = 42;

/** Most of one frame; answers to them are 32 KiB of hashes, 64 KiB of pairs. */
export const ROOTS_MAX = 256;
export const NODES_MAX = 256;
export const PAIRS_MAX = 4_096;
export const WANTED_MAX = 128;

const ROOTS_HEAD_BYTES = 16;
const ROOT_BYTES = 10;
const ASK_HEAD_BYTES = PLACE_HEAD_BYTES + 4;
const HASH_BYTES = 8;
const PAIR_BYTES = 16;
export const JOB_BYTES = 16;
const MISSED_BYTES = PLACE_HEAD_BYTES + JOB_BYTES;
const LIST_HEAD_BYTES = ANSWER_HEAD_BYTES + 4;

export interface Root {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** Roots as they are sent, integers of 32 bits. */
export class RootsAsk {
  keyspace = 0;
  generation = 0;
  changed = 0;
  partitionBits = 0;
  roots: readonly Root[] = [];

  /** Requires: 1 to ROOTS_MAX roots, and room. */
  write(out: OutBuffer): void {
    out.ensure(ROOTS_HEAD_BYTES + this.roots.length * ROOT_BYTES);
    const { bytes } = out;
    let at = putU32(bytes, out.length, this.keyspace);
    at = putU32(bytes, at, this.generation);
    at = putU32(bytes, at, this.changed);
    bytes[at++] = this.partitionBits;
    bytes[at++] = 0;
    at = putU16(bytes, at, this.roots.length);
    for (const { partition, low, high } of this.roots) at = putU32(bytes, putU32(bytes, putU16(bytes, at, partition), low), high);
    out.length = at;
  }

  /** Returns what was expected and found, where it is none. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start < ROOTS_HEAD_BYTES) return `ROOTS: expected ${ROOTS_HEAD_BYTES} bytes or more, found ${end - start}`;
    this.keyspace = u32At(bytes, start);
    this.generation = u32At(bytes, start + 4);
    this.changed = u32At(bytes, start + 8);
    this.partitionBits = bytes[start + 12]!;
    const count = u16At(bytes, start + 14);
    if (this.keyspace === 0) return 'ROOTS: expected a keyspace from 1, found 0';
    if (bytes[start + 13] !== 0) return `ROOTS: expected zero at 13, found ${bytes[start + 13]}`;
    if (count < 1 || count > ROOTS_MAX) return `ROOTS: expected 1 to ${ROOTS_MAX} partitions, found ${count}`;
    if (end - start !== ROOTS_HEAD_BYTES + count * ROOT_BYTES)
      return `ROOTS: expected ${ROOTS_HEAD_BYTES + count * ROOT_BYTES} bytes, found ${end - start}`;
    const roots: Root[] = [];
    for (let at = start + ROOTS_HEAD_BYTES; at < end; at += ROOT_BYTES) {
      const partition = u16At(bytes, at);
      if (partition >= 2 ** this.partitionBits) return `ROOTS: expected a partition below 2^${this.partitionBits}, found ${partition}`;
      if (partition <= (roots.at(-1)?.partition ?? -1)) return `ROOTS: expected partitions that rise, found ${partition}`;
      roots.push({ partition, low: u32At(bytes, at + 2) | 0, high: u32At(bytes, at + 6) | 0 });
    }
    this.roots = roots;
    return undefined;
  }
}

/** What both sides have to agree about before their roots are compared. */
export function changedHash({ changedAt }: RingState, partitions: readonly number[]): number {
  let hash = 0;
  for (const partition of partitions) hash = (Math.imul(hash ^ changedAt[partition]!, 0x9e37_79b1) + partition) >>> 0;
  return hash;
}

/** NODES, PAIRS, HEADS, RECORDS. One is used for many. */
export class RepairAsk extends PlaceHead {
  partitionBits = 0;
  /** NODES, PAIRS: nodes of the level, leaves. */
  nodes: readonly number[] = [];
  /** HEADS, RECORDS; digests are 0 in HEADS. */
  wanted: Pairs = new Pairs();

  write(operation: number, out: OutBuffer): void {
    const { nodes, wanted } = this;
    const isOfNodes = operation === NODES || operation === PAIRS;
    const count = isOfNodes ? nodes.length : wanted.length;
    out.ensure(ASK_HEAD_BYTES + count * itemBytes(operation));
    this.keyBytes = 0;
    const { bytes } = out;
    let at = putU16(bytes, this.putHead(out), count);
    bytes[at++] = this.partitionBits;
    bytes[at++] = 0;
    if (isOfNodes) for (const node of nodes) at = putU16(bytes, at, node);
    else {
      for (let i = 0; i < count; i++) {
        at = putU32(bytes, putU32(bytes, at, wanted.high(i)), wanted.low(i));
        if (operation === RECORDS) at = putU32(bytes, putU32(bytes, at, wanted.digestLow(i)), wanted.digestHigh(i));
      }
    }
    out.length = at;
  }

  /** Returns what was expected and found, where it is none; whether nodes and tokens are of the partition is still to be checked. */
  read(operation: number, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start < ASK_HEAD_BYTES) return `expected ${ASK_HEAD_BYTES} bytes or more, found ${end - start}`;
    const wrong = this.readHead(bytes, start);
    if (wrong !== undefined) return wrong;
    if (this.keyBytes !== 0) return `expected no key, found ${this.keyBytes} bytes`;
    const count = u16At(bytes, start + 24);
    this.partitionBits = bytes[start + 26]!;
    if (bytes[start + 27] !== 0) return `expected zero at 27, found ${bytes[start + 27]}`;
    const most = operation === NODES || operation === PAIRS ? NODES_MAX : WANTED_MAX;
    if (count < 1 || count > most) return `expected 1 to ${most} items, found ${count}`;
    const each = itemBytes(operation);
    if (end - start !== ASK_HEAD_BYTES + count * each) return `expected ${ASK_HEAD_BYTES + count * each} bytes, found ${end - start}`;
    return each === 2 ? this.#readNodes(bytes, start + ASK_HEAD_BYTES, end) : this.#readWanted(bytes, start + ASK_HEAD_BYTES, end, each);
  }

  #readNodes(bytes: Uint8Array, start: number, end: number): string | undefined {
    const nodes: number[] = [];
    for (let at = start; at < end; at += 2) {
      const node = u16At(bytes, at);
      if (node <= (nodes.at(-1) ?? -1)) return `expected nodes that rise, found ${node}`;
      nodes.push(node);
    }
    this.nodes = nodes;
    return undefined;
  }

  #readWanted(bytes: Uint8Array, start: number, end: number, each: number): string | undefined {
    const wanted = new Pairs();
    for (let at = start; at < end; at += each)
      wanted.add(
        u32At(bytes, at),
        u32At(bytes, at + 4),
        each === PAIR_BYTES ? u32At(bytes, at + 12) : 0,
        each === PAIR_BYTES ? u32At(bytes, at + 8) : 0,
      );
    this.wanted = wanted;
    return undefined;
  }
}

function itemBytes(operation: number): number {
  if (operation === RECORDS) return PAIR_BYTES;
  return operation === HEADS ? HASH_BYTES : 2;
}

/** Behind the head of an answer that is OK; these check what they read. `partitions`: as numbers. */
export function writeRooted(out: OutBuffer, ageMs: number, partitions: readonly number[]): void {
  out.ensure(4 + partitions.length * 2);
  let at = putU32(out.bytes, out.length, Math.min(0xffff_ffff, Math.max(0, Math.ceil(ageMs))));
  for (const partition of partitions) at = putU16(out.bytes, at, partition);
  out.length = at;
}

export interface Rooted {
  readonly ageMs: number;
  readonly differing: readonly number[];
}

/** `asked`: the partitions of the ROOTS that this answers. */
export function readRooted(bytes: Uint8Array, start: number, end: number, asked: readonly Root[]): Rooted | string {
  const at = start + ANSWER_HEAD_BYTES;
  if (end - at < 4 || (end - at) % 2 !== 0) return `ROOTED: expected an age and partitions, found ${end - at} bytes`;
  const known = new Set(asked.map(({ partition }) => partition));
  const differing: number[] = [];
  for (let i = at + 4; i < end; i += 2) {
    const partition = u16At(bytes, i);
    if (!known.delete(partition)) return `ROOTED: expected partitions that were asked for, each once, found ${partition}`;
    differing.push(partition);
  }
  return { ageMs: u32At(bytes, at), differing };
}

/** Appends one hash of a NODED. */
export function putHash(out: OutBuffer, low: number, high: number): void {
  out.ensure(HASH_BYTES);
  out.length = putU32(out.bytes, putU32(out.bytes, out.length, low), high);
}

/** Halves of all hashes, low ones first; or what was expected and found. */
export function readNoded(bytes: Uint8Array, start: number, end: number, count: number): Int32Array | string {
  const at = start + ANSWER_HEAD_BYTES;
  if (end - at !== count * HASH_BYTES) return `NODED: expected ${count} hashes, found ${end - at} bytes`;
  return Int32Array.from({ length: count * 2 }, (_, i) => u32At(bytes, at + i * 4));
}

export function writePaired(out: OutBuffer, pairs: Pairs): void {
  out.ensure(4 + pairs.length * PAIR_BYTES);
  let at = putU32(out.bytes, out.length, pairs.covered === null ? 1 : 0);
  for (let i = 0; i < pairs.length; i++) {
    at = putU32(out.bytes, putU32(out.bytes, at, pairs.high(i)), pairs.low(i));
    at = putU32(out.bytes, putU32(out.bytes, at, pairs.digestLow(i)), pairs.digestHigh(i));
  }
  out.length = at;
}

export function readPaired(bytes: Uint8Array, start: number, end: number): Pairs | string {
  const at = start + ANSWER_HEAD_BYTES;
  if (end - start < LIST_HEAD_BYTES || (end - start - LIST_HEAD_BYTES) % PAIR_BYTES !== 0)
    return `PAIRED: expected pairs of ${PAIR_BYTES} bytes, found ${end - at - 4}`;
  const isEnd = u32At(bytes, at);
  if (isEnd > 1) return `PAIRED: expected an end of 0 or 1, found ${isEnd}`;
  const pairs = new Pairs();
  for (let i = at + 4; i < end; i += PAIR_BYTES) {
    const [high, low] = [u32At(bytes, i), u32At(bytes, i + 4)];
    if (pairs.length > 0 && isBefore(high, low, pairs)) return 'PAIRED: expected tokens that rise, found one that does not';
    pairs.add(high, low, u32At(bytes, i + 12), u32At(bytes, i + 8));
  }
  if (isEnd === 1) return pairs;
  if (pairs.length === 0) return 'PAIRED: expected a pair or the end, found neither';
  pairs.covered = pairs.token(pairs.length - 1);
  return pairs;
}

function isBefore(high: number, low: number, pairs: Pairs): boolean {
  const last = pairs.token(pairs.length - 1);
  return high < last.high || (high === last.high && low < last.low);
}

/** Begins the TOLD whose entries follow. */
export function writeTold(out: OutBuffer, items: number): void {
  out.ensure(4);
  out.length = putU32(out.bytes, out.length, items);
}

export interface Told {
  readonly items: number;
  readonly entries: readonly RepairEntry[];
}

/** `items`: how many were asked for. */
export function readTold(bytes: Uint8Array, start: number, end: number, items: number): Told | string {
  const at = start + ANSWER_HEAD_BYTES;
  if (end - start < LIST_HEAD_BYTES) return `TOLD: expected ${LIST_HEAD_BYTES} bytes or more, found ${end - start}`;
  const told = u32At(bytes, at);
  if (told < 1 || told > items) return `TOLD: expected 1 to ${items} items, found ${told}`;
  const entries = readEntries(bytes, at + 4, end);
  return typeof entries === 'string' ? `TOLD: ${entries}` : { items: told, entries };
}

/** MISSED. One is used for many. */
export class MissedAsk extends PlaceHead {
  /** In hexadecimal. */
  job = '';

  /** `job`: JOB_BYTES bytes. Requires: room. */
  write(job: Uint8Array, out: OutBuffer): void {
    out.ensure(MISSED_BYTES);
    this.option = 0;
    this.keyBytes = 0;
    const at = this.putHead(out);
    out.bytes.set(job, at);
    out.length = at + JOB_BYTES;
  }

  /** Returns what was expected and found, where it is none. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start !== MISSED_BYTES) return `MISSED: expected ${MISSED_BYTES} bytes, found ${end - start}`;
    const wrong = this.readHead(bytes, start);
    if (wrong !== undefined) return `MISSED: ${wrong}`;
    if (this.option !== 0 || this.keyBytes !== 0)
      return `MISSED: expected no option and no key, found ${this.option} and ${this.keyBytes} bytes`;
    this.job = Buffer.from(bytes.buffer, bytes.byteOffset + start + PLACE_HEAD_BYTES, JOB_BYTES).toString('hex');
    return undefined;
  }
}
