/** Frames as a broken or hostile peer would send them. */
import type { Random } from '../../../runtime/doors.ts';
import { FRAME_HEADER_BYTES, LENGTH_BYTES } from '../../../runtime/wire/frame.ts';

/** Heads and items that a decoder of all of CBOR stumbles over. */
const HOSTILE: readonly Buffer[] = [
  // Counts and lengths of 2^8-1 to 2^64-1, definite and not
  ...['98ff', '99ffff', '9affffffff', '9a00010001', '9b0000000100000000', '9b7fffffffffffffff', '9b8000000000000000', '9bffffffffffffffff'],
  ...['b8ff', 'b9ffff', 'b91001', 'baffffffff', 'bb0000000100000000', 'bbffffffffffffffff', '9f', 'bf', '5f', '7f', 'ff'],
  ...['58ff', '59ffff', '5affffffff', '5bffffffffffffffff', '78ff', '79ffff', '7affffffff', '7b0000000000000001', '7b8000000000000000'],
  // Tags: dates, big numbers, packed values, objects, sharing, typed arrays, sets, maps, records, bundles, refs of other widths
  ...[
    'c0',
    'c1',
    'c2',
    'c3',
    'c4',
    'c5',
    'c6',
    'd81b',
    'd81b8266526567457870612e2a',
    'd81c',
    'd81d00',
    'd81c81d81d00',
    'd833',
    'd83384818081',
    'd840',
  ],
  ...[
    'd84f',
    'd856',
    'd90102',
    'd90103',
    'd90103a0',
    'd9dff9',
    'd9dffe',
    'd9dfff',
    'd9d9f7',
    'da53687264',
    'd869',
    'd81984',
    'dbffffffffffffffff',
  ],
  ...[
    'd9d7ac',
    'd9d7ac82',
    'd9d7ac85',
    'd9d7ac820102',
    'd9d7ac8200fb3ff0000000000000',
    'd9d7ac850a',
    'da0000d7ac820102',
    'd9d7ac980201',
    'd9d7ac9f0102ff',
  ],
  ...[
    'd9d7ac856161000000f6',
    'd9d7ac85616119ffff000102',
    'd9d7ac85616119fffe000102',
    'd9d7ac856161fb3ff0000000000000000102',
    'd9d7ac8541610000000102',
  ],
  ...[
    'd9d7ac85616100fb43400000000000000102',
    'd9d7ac85616100fb433fffffffffffff0102',
    'd9d7ac85616100fb80000000000000000102',
    'd9d7ac8561610020000102',
  ],
  // Keys, simple values, reserved forms
  ...[
    'a1695f5f70726f746f5f5f80',
    'a178095f5f70726f746f5f5f00',
    'a17900095f5f70726f746f5f5f00',
    'a10000',
    'a18000',
    'a1f600',
    'a140',
    'a2',
    'e0',
    'f3',
    'f800',
  ],
  ...['f8ff', 'f97e00', 'f90001', 'fa7fc00000', 'fb7ff8000000000001', 'fc', 'fe', '1c', '1f', '3f', '5c', '7d', '9e', 'bc', 'dc'],
  ...[
    '1b0000000000000001',
    '1bffffffffffffffff',
    '3b7fffffffffffffff',
    '3b8000000000000000',
    '3bffffffffffffffff',
    '1900',
    '1a000000',
    'f9',
    'fb00',
    '61ff',
    '62c0af',
  ],
].map((hex) => Buffer.from(hex, 'hex'));

/** A frame made from `frame`: usually with a length word that is right, so that what is inside is looked at. */
export function mutate(random: Random, frame: Buffer, other: Buffer): Buffer {
  let made = mutatePayload(random, Buffer.from(frame), other);
  if (random.chance(0.1)) made = mutatePayload(random, made, other);
  if (made.length < LENGTH_BYTES) return made;
  if (random.chance(0.95)) made.writeUInt32BE(made.length - LENGTH_BYTES);
  else made.writeUInt32BE(wrongLength(random, made.length - LENGTH_BYTES));
  return made;
}

function mutatePayload(random: Random, frame: Buffer, other: Buffer): Buffer {
  const from = random.chance(0.97) ? Math.min(FRAME_HEADER_BYTES, frame.length) : 0;
  const at = from + random.below(Math.max(1, frame.length - from));
  const head = frame.subarray(0, at);
  const rest = frame.subarray(at);
  const hostile = HOSTILE[random.below(HOSTILE.length)]!;
  switch (random.below(12)) {
    case 0:
    case 1:
      for (let flips = 1 + random.below(3); flips > 0; flips--) {
        const byte = from + random.below(Math.max(1, frame.length - from));
        if (byte < frame.length) frame[byte] = frame[byte]! ^ (1 << random.below(8));
      }
      return frame;
    case 2:
      frame.fill(random.below(256), at, Math.min(at + 1, frame.length));
      return frame;
    case 3:
      return Buffer.from(head);
    case 4:
      return Buffer.concat([head, rest.subarray(Math.min(rest.length, 1 + random.below(8)))]);
    case 5:
      return Buffer.concat([head, noise(random, 1 + random.below(8)), rest]);
    case 6:
    case 7:
      return Buffer.concat([head, hostile, rest]);
    case 8:
      return Buffer.concat([head, hostile, rest.subarray(Math.min(rest.length, hostile.length))]);
    case 9: {
      const levels = random.chance(0.02) ? 3000 : random.below(24);
      const level = Buffer.from(random.chance(0.5) ? '81' : 'a16161', 'hex');
      return Buffer.concat([head, ...Array.from({ length: levels }, () => level), rest]);
    }
    case 10:
      return Buffer.concat([head, other.subarray(Math.min(other.length, FRAME_HEADER_BYTES + random.below(20)))]);
    default:
      return Buffer.concat([frame.subarray(0, FRAME_HEADER_BYTES), hostile, noise(random, random.below(24))]);
  }
}

/** Too long for any frame, long enough that only its buffer can be too large, or a little off. */
function wrongLength(random: Random, length: number): number {
  if (random.chance(0.3)) return random.u32();
  return random.chance(0.4) ? random.below(256 * 1024) : Math.max(0, length + random.below(9) - 4);
}

function noise(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let i = 0; i < length; i++) bytes[i] = random.below(256);
  return bytes;
}
