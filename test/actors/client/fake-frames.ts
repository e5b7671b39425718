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
  const keyBytes = b.readUInt16LE(20) + 1;
  const contextBytes = b.readUInt32LE(40);
  const valueBytes = b.readUInt32LE(44);
  const keyEnd = 56 + keyBytes;
  const contextEnd = keyEnd + contextBytes;
  if (b.length !== contextEnd + valueBytes) throw new Error(`FORWARD of ${b.length} bytes, expected ${contextEnd + valueBytes}`);
  return {
    keyspaceId: b.readUInt32LE(0),
    tokenHigh: b.readUInt32LE(4),
    tokenLow: b.readUInt32LE(8),
    changedAt: b.readUInt32LE(12),
    generation: b.readUInt32LE(16),
    kind: b.readUInt8(24),
    contextKind: b.readUInt8(25),
    r: b.readUInt8(26),
    w: b.readUInt8(27),
    durability: b.readUInt8(28),
    remainingMs: b.readUInt16LE(30),
    expiryMs: Number(b.readBigUInt64LE(32)),
    key: b.toString('utf8', 56, keyEnd),
    context: b.subarray(keyEnd, contextEnd),
    value: b.subarray(contextEnd),
  };
}

export function writeForwarded({ status, received = 2, needed = 2, primaries = 2, message = '', record }: FakeAnswer): Buffer {
  const text = Buffer.from(message);
  const head = Buffer.alloc(12);
  head.set([status, received, needed, primaries]);
  head.writeUInt32LE(text.length, 4);
  head.writeUInt32LE(record?.length ?? 0, 8);
  return Buffer.concat([head, text, record ?? Buffer.alloc(0)]);
}
