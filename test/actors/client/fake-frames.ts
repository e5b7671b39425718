/** FORWARD and FORWARDED as a fake coordinator has them: read and written apart from the client's code, so that a mistake in it is seen. */

export interface FakeRequest {
  readonly node: string;
  readonly shard: number;
  readonly requestId: number;
  readonly keyspaceId: number;
  readonly tokenHigh: number;
  readonly tokenLow: number;
  readonly changedAt: number;
  readonly generation: number;
  readonly kind: number;
  readonly contextKind: number;
  readonly r: number;
  readonly w: number;
  readonly durability: number;
  readonly flags: number;
  readonly primaries: number;
  readonly remainingMs: number;
  readonly expiryMs: number;
  readonly key: string;
  readonly context: Buffer;
  readonly value: Buffer;
}

export interface FakeAnswer {
  readonly status: number;
  readonly received?: number;
  readonly needed?: number;
  readonly primaries?: number;
  readonly message?: string;
  readonly record?: Uint8Array;
}

export function readForward(bytes: Uint8Array, offset: number, length: number): Omit<FakeRequest, 'node' | 'shard' | 'requestId'> {
  const b = Buffer.from(bytes.subarray(offset, offset + length));
  const keyEnd = 24 + b.readUInt16LE(20);
  const contextBytes = b.readUInt32LE(keyEnd + 16);
  const valueBytes = b.readUInt32LE(keyEnd + 20);
  const contextStart = keyEnd + 32;
  const contextEnd = contextStart + contextBytes;
  if (b.length !== contextEnd + valueBytes) throw new Error(`FORWARD of ${b.length} bytes, expected ${contextEnd + valueBytes}`);
  return {
    keyspaceId: b.readUInt32LE(0),
    tokenHigh: b.readUInt32LE(4),
    tokenLow: b.readUInt32LE(8),
    changedAt: b.readUInt32LE(12),
    generation: b.readUInt32LE(16),
    kind: b.readUInt8(22),
    contextKind: b.readUInt8(keyEnd),
    r: b.readUInt8(keyEnd + 1),
    w: b.readUInt8(keyEnd + 2),
    durability: b.readUInt8(keyEnd + 3),
    flags: b.readUInt8(keyEnd + 4),
    primaries: b.readUInt8(keyEnd + 5),
    remainingMs: b.readUInt16LE(keyEnd + 6),
    expiryMs: Number(b.readBigUInt64LE(keyEnd + 8)),
    key: b.toString('utf8', 24, keyEnd),
    context: b.subarray(contextStart, contextEnd),
    value: b.subarray(contextEnd),
  };
}

export function writeForwarded({ status, received = 2, needed = 2, primaries = 2, message = '', record }: FakeAnswer): Buffer {
  const text = Buffer.from(message);
  const head = Buffer.alloc(16);
  head.set([status, received, needed, primaries]);
  head.writeUInt16LE(text.length, 4);
  head.writeUInt32LE(record?.length ?? 0, 8);
  return Buffer.concat([head, text, record ?? Buffer.alloc(0)]);
}
