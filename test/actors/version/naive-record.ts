/**
 * The record as one would write it first: objects, a Map and strings. The oracle of the codec and of put, merge and compare, and the peer of bench:version.
 * Shares no code with what it checks.
 */

export interface NaiveSibling {
  /** In hexadecimal. */
  readonly actor: string;
  readonly counter: number;
  readonly stamp: number;
  readonly expiry: number;
  readonly isTombstone: boolean;
  readonly value: string;
}

export interface NaiveEntry {
  readonly counter: number;
  readonly stamp: number;
}

export interface NaiveRecord {
  readonly vector: ReadonlyMap<string, NaiveEntry>;
  readonly siblings: readonly NaiveSibling[];
}

export const NO_RECORD: NaiveRecord = { vector: new Map(), siblings: [] };

export function naivePut(local: NaiveRecord, context: NaiveRecord, sibling: NaiveSibling): NaiveRecord {
  const { actor, counter, stamp } = sibling;
  const vector = new Map(mergedVector(local, context)).set(actor, { counter, stamp });
  return { vector, siblings: [...local.siblings.filter((s) => !hasSeen(context, s)), sibling] };
}

export function naiveMerge(a: NaiveRecord, b: NaiveRecord): NaiveRecord {
  const siblings: NaiveSibling[] = [];
  const keep = (own: NaiveRecord, other: NaiveRecord) => {
    for (const s of own.siblings) {
      const isHeld = other.siblings.some((o) => o.actor === s.actor && o.counter === s.counter);
      if ((isHeld || !hasSeen(other, s)) && !siblings.some((o) => isSame(o, s))) siblings.push(s);
    }
  };
  keep(a, b);
  keep(b, a);
  return { vector: mergedVector(a, b), siblings };
}

export function naiveCompare(a: NaiveRecord, b: NaiveRecord): 'equal' | 'ancestor' | 'descendant' | 'concurrent' {
  const both = naiveMerge(a, b);
  const isA = isSameRecord(both, a);
  const isB = isSameRecord(both, b);
  return isA && isB ? 'equal' : isB ? 'ancestor' : isA ? 'descendant' : 'concurrent';
}

/** FORMAT.md, done by the book. */
export function encodeNaive({ vector, siblings }: NaiveRecord): Buffer {
  const actors = [...vector.keys()].sort();
  const parts: Buffer[] = [Buffer.from([1, 0]), u16(actors.length), u16(siblings.length)];
  for (const actor of actors) {
    const { counter, stamp } = vector.get(actor)!;
    parts.push(Buffer.from(actor, 'hex'), u64(counter), u64(stamp));
  }
  const encoded = siblings.map((s) => ({ at: actors.indexOf(s.actor), counter: s.counter, tail: tailOf(s) }));
  encoded.sort((x, y) => x.at - y.at || x.counter - y.counter || Buffer.compare(x.tail, y.tail));
  for (const { at, tail } of encoded) parts.push(u16(at), tail);
  return Buffer.concat(parts);
}

export function decodeNaive(bytes: Uint8Array): NaiveRecord {
  const buffer = Buffer.from(bytes);
  const entries = buffer.readUInt16LE(2);
  const actors: string[] = [];
  const vector = new Map<string, NaiveEntry>();
  let at = 6;
  for (let i = 0; i < entries; i++, at += 32) {
    const actor = buffer.toString('hex', at, at + 16);
    actors.push(actor);
    vector.set(actor, { counter: Number(buffer.readBigUInt64LE(at + 16)), stamp: Number(buffer.readBigUInt64LE(at + 24)) });
  }
  const siblings: NaiveSibling[] = [];
  for (let i = buffer.readUInt16LE(4); i > 0; i--) {
    const flags = buffer[at + 2]!;
    const valueAt = at + (flags === 2 ? 32 : 24);
    const valueEnd = valueAt + buffer.readUInt32LE(at + 4);
    siblings.push({
      actor: actors[buffer.readUInt16LE(at)]!,
      counter: Number(buffer.readBigUInt64LE(at + 8)),
      stamp: Number(buffer.readBigUInt64LE(at + 16)),
      expiry: flags === 2 ? Number(buffer.readBigUInt64LE(at + 24)) : 0,
      isTombstone: flags === 1,
      value: buffer.toString('latin1', valueAt, valueEnd),
    });
    at = valueEnd;
  }
  return { vector, siblings };
}

function hasSeen({ vector }: NaiveRecord, { actor, counter }: NaiveSibling): boolean {
  return (vector.get(actor)?.counter ?? 0) >= counter;
}

function mergedVector(a: NaiveRecord, b: NaiveRecord): Map<string, NaiveEntry> {
  const vector = new Map(a.vector);
  for (const [actor, entry] of b.vector) {
    const mine = vector.get(actor);
    if (mine === undefined || mine.counter < entry.counter || (mine.counter === entry.counter && mine.stamp < entry.stamp))
      vector.set(actor, entry);
  }
  return vector;
}

function isSame(a: NaiveSibling, b: NaiveSibling): boolean {
  return (
    a.actor === b.actor &&
    a.counter === b.counter &&
    a.stamp === b.stamp &&
    a.expiry === b.expiry &&
    a.isTombstone === b.isTombstone &&
    a.value === b.value
  );
}

function isSameRecord(a: NaiveRecord, b: NaiveRecord): boolean {
  if (a.vector.size !== b.vector.size || a.siblings.length !== b.siblings.length) return false;
  for (const [actor, { counter, stamp }] of a.vector) {
    const other = b.vector.get(actor);
    if (other?.counter !== counter || other.stamp !== stamp) return false;
  }
  return a.siblings.every((s) => b.siblings.some((o) => isSame(s, o)));
}

function tailOf({ isTombstone, expiry, value, counter, stamp }: NaiveSibling): Buffer {
  const flags = isTombstone ? 1 : expiry === 0 ? 0 : 2;
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([
    Buffer.from([flags, 0]),
    u32(bytes.length),
    u64(counter),
    u64(stamp),
    expiry === 0 ? Buffer.alloc(0) : u64(expiry),
    bytes,
  ]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
