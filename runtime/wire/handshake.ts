/**
 * The handshake of a connection: the dialler's HELLO, answered by WELCOME or REFUSE. Each is a frame whose payload is a CBOR array with
 * the fields in this order (append-only; the first two of HELLO and the first of WELCOME never move):
 *
 * ```
 * HELLO    versionMin, versionMax, cluster, node, shard, bootHigh, bootLow, laneClass,
 *          expectedNode, expectedShard, maxFrameBytes, attempt
 * WELCOME  version, node, shard, bootHigh, bootLow, maxFrameBytes, attemptsVoid
 * REFUSE   index into REFUSAL_CODES, reason
 * ```
 *
 * `attempt` counts the dialler's connections for this lane class under its boot. WELCOME voids all that the acceptor itself had dialled
 * up to `attemptsVoid`. So either side knows a HELLO that was overtaken from one that means: I have lost our connection.
 */
import { type Place, placeName } from '../address.ts';
import { RuntimeError } from '../errors.ts';
import { LANE_CLASS_COUNT, type LaneClass } from '../lanes.ts';
import { KIND_HELLO, KIND_REFUSE, KIND_WELCOME, protocolError } from './frame.ts';
import { boot, bootWords, CLUSTER_CHARS_MAX, checkCount, decodeItems, encodeFrame, place, printable, text, uint } from './greeting.ts';

export const PROTOCOL_VERSION_MIN = 1;
export const PROTOCOL_VERSION_MAX = 1;
const HELLO_FIELDS = 12;
const WELCOME_FIELDS = 7;
const REASON_CHARS_MAX = 300;

/** Who this side is. */
export interface Identity extends Place {
  readonly cluster: string;
  readonly boot: number;
}

export interface Hello extends Identity {
  readonly laneClass: LaneClass;
  /** Whom the dialler believes it has dialled. */
  readonly expectedNode: string;
  readonly expectedShard: number;
  /** Longest frame the dialler takes. */
  readonly maxFrameBytes: number;
  /** From 1, rising. */
  readonly attempt: number;
}

export interface Welcome extends Place {
  readonly version: number;
  readonly boot: number;
  readonly maxFrameBytes: number;
  readonly attemptsVoid: number;
}

/** On the wire as an index: append only. */
export const REFUSAL_CODES = [
  'SHAPE',
  'VERSION',
  'CLUSTER',
  'SELF',
  'WRONG_PLACE',
  'ZOMBIE',
  'FRAME_SIZE',
  'STALE',
  'SIMULTANEOUS',
  'FULL',
  'CLOSING',
  'NOT_READY',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export interface Refusal {
  readonly code: RefusalCode | 'UNKNOWN';
  readonly reason: string;
}

export function refusal(code: RefusalCode, reason: string): Refusal {
  return { code, reason };
}

export function isRefusal(value: object): value is Refusal {
  return 'code' in value;
}

export function encodeHello(hello: Hello): Buffer {
  return encodeFrame(KIND_HELLO, [
    PROTOCOL_VERSION_MIN,
    PROTOCOL_VERSION_MAX,
    hello.cluster,
    hello.node,
    hello.shard,
    ...bootWords(hello.boot),
    hello.laneClass,
    hello.expectedNode,
    hello.expectedShard,
    hello.maxFrameBytes,
    hello.attempt,
  ]);
}

export function encodeWelcome(welcome: Welcome): Buffer {
  const { version, node, shard, boot, maxFrameBytes, attemptsVoid } = welcome;
  return encodeFrame(KIND_WELCOME, [version, node, shard, ...bootWords(boot), maxFrameBytes, attemptsVoid]);
}

export function encodeRefusal(code: RefusalCode, reason: string): Buffer {
  return encodeFrame(KIND_REFUSE, [REFUSAL_CODES.indexOf(code), reason.slice(0, REASON_CHARS_MAX)]);
}

/** Reads the frame of a dialler. Returns a refusal when its versions or fields are none of ours. Errors: PROTOCOL on anything else than a HELLO. */
export function decodeHello(frame: Buffer): Hello | Refusal {
  if (frame[7] !== KIND_HELLO) throw protocolError(`first frame of kind ${frame[7]}, expected HELLO (${KIND_HELLO})`);
  return orRefusal(() => {
    const items = decodeItems(frame);
    const versionMin = uint(items, 0, 'versionMin');
    const versionMax = uint(items, 1, 'versionMax');
    if (versionMin > PROTOCOL_VERSION_MAX || versionMax < PROTOCOL_VERSION_MIN) {
      const ours = `${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION_MAX}`;
      return refusal('VERSION', `peer speaks protocol versions ${versionMin} to ${versionMax}, expected one of ${ours}`);
    }
    checkCount(items, HELLO_FIELDS, 'HELLO');
    const laneClass = uint(items, 7, 'laneClass');
    if (laneClass >= LANE_CLASS_COUNT) throw protocolError(`laneClass ${laneClass}, expected 0 to ${LANE_CLASS_COUNT - 1}`);
    const cluster = text(items, 2, 'cluster', CLUSTER_CHARS_MAX);
    const from = place(items, 3);
    const expected = place(items, 8);
    return {
      cluster,
      ...from,
      boot: boot(items, 5),
      laneClass: laneClass as LaneClass,
      expectedNode: expected.node,
      expectedShard: expected.shard,
      maxFrameBytes: uint(items, 10, 'maxFrameBytes'),
      attempt: uint(items, 11, 'attempt'),
    };
  });
}

/** Reads the acceptor's answer. Errors: PROTOCOL. */
export function decodeAnswer(frame: Buffer): Welcome | Refusal {
  if (frame[7] === KIND_REFUSE) return decodeRefusal(frame);
  const items = decodeItems(frame);
  if (frame[7] !== KIND_WELCOME)
    throw protocolError(`answer of kind ${frame[7]}, expected WELCOME (${KIND_WELCOME}) or REFUSE (${KIND_REFUSE})`);
  const version = uint(items, 0, 'version');
  if (version < PROTOCOL_VERSION_MIN || version > PROTOCOL_VERSION_MAX) {
    throw protocolError(`peer chose protocol version ${version}, expected ${PROTOCOL_VERSION_MIN} to ${PROTOCOL_VERSION_MAX}`);
  }
  checkCount(items, WELCOME_FIELDS, 'WELCOME');
  const maxFrameBytes = uint(items, 5, 'maxFrameBytes');
  return { version, ...place(items, 1), boot: boot(items, 3), maxFrameBytes, attemptsVoid: uint(items, 6, 'attemptsVoid') };
}

/** Errors: PROTOCOL. */
export function decodeRefusal(frame: Buffer): Refusal {
  const items = decodeItems(frame);
  checkCount(items, 2, 'REFUSE');
  const reason = text(items, 1, 'reason', REASON_CHARS_MAX);
  return { code: REFUSAL_CODES[uint(items, 0, 'code')] ?? 'UNKNOWN', reason: printable(reason) };
}

/**
 * Whether `me` can talk to the sender of `hello` at all, whatever connections there are; null when it can.
 * `outMaxBytes`: the longest frame this side sends.
 */
export function judgeHello(hello: Hello, me: Identity, outMaxBytes: number): Refusal | null {
  if (hello.cluster !== me.cluster)
    return refusal('CLUSTER', `peer is of cluster ${printable(hello.cluster)}, expected ${printable(me.cluster)}`);
  if (hello.node === me.node) return refusal('SELF', `peer calls itself ${hello.node}, which is the name of the node it has dialled`);
  if (hello.expectedNode !== me.node || hello.expectedShard !== me.shard) {
    const expected = placeName({ node: hello.expectedNode, shard: hello.expectedShard });
    return refusal('WRONG_PLACE', `peer expected ${expected}, this is ${placeName(me)}`);
  }
  return judgeFrameSize(hello.maxFrameBytes, outMaxBytes);
}

/** Whether the acceptor is the one that was dialled; null when it is. */
export function judgeWelcome(welcome: Welcome, dialled: Place, outMaxBytes: number): Refusal | null {
  if (welcome.node !== dialled.node || welcome.shard !== dialled.shard) {
    return refusal('WRONG_PLACE', `peer is ${placeName(welcome)}, expected ${placeName(dialled)}`);
  }
  return judgeFrameSize(welcome.maxFrameBytes, outMaxBytes);
}

/** Of two places that dial each other at once, the connection dialled by the first in this order is kept. */
export function comesBefore(a: Place, b: Place): boolean {
  return a.node === b.node ? a.shard < b.shard : a.node < b.node;
}

function judgeFrameSize(maxFrameBytes: number, outMaxBytes: number): Refusal | null {
  if (maxFrameBytes >= outMaxBytes) return null;
  return refusal('FRAME_SIZE', `one side takes frames of at most ${maxFrameBytes} bytes, the other may send ${outMaxBytes}`);
}

function orRefusal(read: () => Hello | Refusal): Hello | Refusal {
  try {
    return read();
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'PROTOCOL') return refusal('SHAPE', error.message);
    throw error;
  }
}
