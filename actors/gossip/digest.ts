/**
 * Digest: all that a node knows of the members, in about six bytes each, so that in quiet times nothing else has to be exchanged: who gets one
 * takes what is newer from it at once, and sends back only what it knows better.
 *
 * ```
 *   u8   format, 1
 *   u8   kind: 1 full, 2 answer, 3 announcement; + 128: members are named
 *   u32  hash of the sorted ids of all members (big-endian)
 *   varint  count of entries, then each:
 *        member: varint (index among the sorted ids - index of the entry before - 1), or 16 bytes of its id
 *        varint boot, varint incarnation, varint heartbeat * 2 + (its ring is not the sender's),
 *        and if so: varint generation, varint epoch
 *   varint  count of accusations, then each: accused as index of its entry (varint), accuser as varint index or 16 bytes
 * ```
 * Members are named where the other's list of members is another one. An accusation is against the life in the entry of the accused.
 * Example, of ring 1/7, members a, b (indexes 0, 1), b in boot 2 with heartbeat 9 and switched: `01 01 hhhhhhhh 02 00 01 00 08 00 02 00 12 00`
 */
import type { Accusation, Heartbeat } from '../gossip-protocol.ts';
import { compareVersions, type Id, type RingVersion } from '../ring/ring-state.ts';
import { isCount, isId, isWord } from './checks.ts';
import { hashText } from './observers.ts';

/**
 * full: all that the sender knows; the other answers. answer: what the sender of a full one did not know. announcement: nothing but the ring of the
 * sender, which is in the message around it.
 */
export type DigestKind = 'full' | 'answer' | 'announcement';

export interface Digest {
  readonly kind: DigestKind;
  readonly beats: readonly Heartbeat[];
  readonly accusations: readonly Accusation[];
}

export interface DigestContext {
  /** Sorted. */
  readonly members: readonly Id[];
  readonly membersHash: number;
  /** Of the digest's sender. */
  readonly ring: RingVersion;
}

export type DecodedDigest =
  | { readonly type: 'digest'; readonly digest: Digest; readonly isNamed: boolean }
  /** The indexes in it mean other members than here. */
  | { readonly type: 'otherMembers'; readonly kind: DigestKind }
  | { readonly type: 'malformed'; readonly reason: string };

export const DIGEST_BYTES_MAX = 256 * 1024;
export const DIGEST_ENTRIES_MAX = 4096;
const ACCUSATIONS_MAX = 4096;
const FORMAT = 1;
const NAMED_BIT = 128;
const KINDS: readonly DigestKind[] = ['full', 'answer', 'announcement'];
const ID_BYTES = 16;
const VARINT_BYTES_MAX = 8;

export function hashMembers(ids: readonly Id[]): number {
  return ids.reduce((hash, id) => hashText(id, hash), 1);
}

/**
 * Requires: beats sorted by id, of members; at most `DIGEST_ENTRIES_MAX`. Accusations of which the accused has no beat in it, in the same life, are
 * left out.
 */
export function encodeDigest({ kind, beats, accusations }: Digest, context: DigestContext, isNamed: boolean): Uint8Array {
  const places = new Map(beats.map((beat, place) => [beat.id, place]));
  const sent = accusations
    .filter(({ accused, boot, incarnation }) => {
      const beat = beats[places.get(accused) ?? -1];
      return beat?.boot === boot && beat.incarnation === incarnation;
    })
    .slice(0, ACCUSATIONS_MAX);
  const writer = new Writer();
  writer.byte(FORMAT);
  writer.byte(KINDS.indexOf(kind) + 1 + (isNamed ? NAMED_BIT : 0));
  writer.word(context.membersHash);
  const indexes = new Map(context.members.map((id, index) => [id, index]));
  const writeMember = (id: Id, before: number): void => {
    if (isNamed) writer.id(id);
    else writer.varint(indexes.get(id)! - before - 1);
  };
  writer.varint(beats.length);
  let before = -1;
  for (const beat of beats) {
    writeMember(beat.id, before);
    before = indexes.get(beat.id) ?? -1;
    const isOther = compareVersions(beat.switchedTo, context.ring) !== 0;
    writer.varint(beat.boot);
    writer.varint(beat.incarnation);
    writer.varint(beat.heartbeat * 2 + (isOther ? 1 : 0));
    if (!isOther) continue;
    writer.varint(beat.switchedTo.generation);
    writer.varint(beat.switchedTo.epoch);
  }
  writer.varint(sent.length);
  for (const { accused, accuser } of sent) {
    writer.varint(places.get(accused)!);
    writeMember(accuser, -1);
  }
  return writer.take();
}

/** Bytes of a peer: everything is checked, and what is wrong is named. */
export function decodeDigest(bytes: Uint8Array, context: DigestContext): DecodedDigest {
  if (bytes.length > DIGEST_BYTES_MAX) return malformed(`expected at most ${DIGEST_BYTES_MAX} bytes, got ${bytes.length}`);
  const reader = new Reader(bytes);
  const format = reader.byte();
  if (format !== FORMAT) return malformed(`expected format ${FORMAT}, got ${format}`);
  const kindByte = reader.byte();
  const kind = KINDS[(kindByte & ~NAMED_BIT) - 1];
  if (kind === undefined) return malformed(`expected a kind from 1 to ${KINDS.length}, got ${kindByte & ~NAMED_BIT}`);
  const isNamed = (kindByte & NAMED_BIT) !== 0;
  const hash = reader.word();
  if (!isNamed && hash !== context.membersHash && !reader.isBroken) return { type: 'otherMembers', kind };
  const readMember = (before: number): Id | undefined => (isNamed ? reader.id() : context.members[before + 1 + reader.varint()]);

  const beats: Heartbeat[] = [];
  const beatCount = reader.varint();
  if (beatCount > DIGEST_ENTRIES_MAX) return malformed(`expected at most ${DIGEST_ENTRIES_MAX} entries, got ${beatCount}`);
  let before = -1;
  for (let i = 0; i < beatCount && !reader.isBroken; i++) {
    const id = readMember(before);
    if (!isNamed && id !== undefined) before = context.members.indexOf(id, before + 1);
    const boot = reader.varint();
    const incarnation = reader.varint();
    const counter = reader.varint();
    const heartbeat = Math.floor(counter / 2);
    const switchedTo = counter % 2 === 0 ? context.ring : { generation: reader.varint(), epoch: reader.varint() };
    if (id === undefined) return malformed(`entry ${i} is of no member`);
    if (!isCount(boot) || !isCount(incarnation) || !isCount(heartbeat) || !isWord(switchedTo.generation) || !isWord(switchedTo.epoch))
      return malformed(`entry ${i} is out of range`);
    beats.push({ id, boot, incarnation, heartbeat, switchedTo });
  }

  const accusations: Accusation[] = [];
  const accusationCount = reader.varint();
  if (accusationCount > ACCUSATIONS_MAX) return malformed(`expected at most ${ACCUSATIONS_MAX} accusations, got ${accusationCount}`);
  for (let i = 0; i < accusationCount && !reader.isBroken; i++) {
    const beat = beats[reader.varint()];
    const accuser = readMember(-1);
    if (beat === undefined || accuser === undefined) return malformed(`accusation ${i} names no member`);
    accusations.push({ accused: beat.id, accuser, boot: beat.boot, incarnation: beat.incarnation });
  }
  if (reader.isBroken) return malformed('it ends too early, or a number is too long');
  if (reader.rest > 0) return malformed(`${reader.rest} bytes too many`);
  return { type: 'digest', digest: { kind, beats, accusations }, isNamed };
}

function malformed(reason: string): DecodedDigest {
  return { type: 'malformed', reason };
}

class Writer {
  #bytes = new Uint8Array(1024);
  #at = 0;

  byte(value: number): void {
    if (this.#at === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#at++] = value;
  }

  word(value: number): void {
    for (let shift = 24; shift >= 0; shift -= 8) this.byte((value >>> shift) & 255);
  }

  /** LEB128 of an integer from 0 to 2^53. */
  varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) + 128);
    this.byte(rest);
  }

  id(id: Id): void {
    for (let i = 0; i < ID_BYTES; i++) this.byte(Number.parseInt(id.slice(2 * i, 2 * i + 2), 16));
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }
}

/** Reads 0 beyond the end, and remembers it. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) this.isBroken = true;
    return value ?? 0;
  }

  word(): number {
    return ((this.byte() << 24) | (this.byte() << 16) | (this.byte() << 8) | this.byte()) >>> 0;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      scale *= 128;
    }
    this.isBroken = true;
    return 0;
  }

  id(): Id | undefined {
    let id = '';
    for (let i = 0; i < ID_BYTES; i++) id += this.byte().toString(16).padStart(2, '0');
    return isId(id) ? id : undefined;
  }
}
