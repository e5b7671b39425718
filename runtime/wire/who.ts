/**
 * WHO and IAM: how an unnamed dialler learns who listens at a port, before any handshake and without one. Each is a frame whose payload is a
 * CBOR array with the fields in this order (append-only; the first two never move):
 *
 * ```
 * WHO  versionMin, versionMax
 * IAM  versionMin, versionMax, cluster, node, shard, bootHigh, bootLow, host, [port of the main thread, port of shard 0, ...]
 * ```
 *
 * It is answered whatever the versions, so that the asker can say which they are. A thread that has not been told its own node's address
 * answers REFUSE.
 */
import { type Place, SHARDS_MAX } from '../address.ts';
import { checkNodeAddress, type NodeAddress } from '../node-address.ts';
import { KIND_IAM, KIND_REFUSE, KIND_WHO, protocolError } from './frame.ts';
import { boot, bootWords, CLUSTER_CHARS_MAX, checkCount, decodeItems, encodeFrame, place, printable, text, uint } from './greeting.ts';
import { decodeRefusal, PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN, type Refusal } from './handshake.ts';

const IAM_FIELDS = 9;
const WHO_FIELDS = 2;
export const HOST_CHARS_MAX = 255;

/** What a thread says of itself and its node. */
export interface Iam extends Place {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly cluster: string;
  readonly boot: number;
  /** Where other nodes are to reach the node, as it says itself. */
  readonly address: NodeAddress;
}

export function encodeWho(): Buffer {
  return encodeFrame(KIND_WHO, [PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX]);
}

/** Errors: PROTOCOL when it is none. A later version may have more fields. */
export function checkWho(frame: Buffer): void {
  const items = decodeItems(frame);
  uint(items, 0, 'versionMin');
  uint(items, 1, 'versionMax');
  if (items.length < WHO_FIELDS) checkCount(items, WHO_FIELDS, 'WHO');
}

/** Requires: a host of at most HOST_CHARS_MAX characters. */
export function encodeIam(iam: Omit<Iam, 'versionMin' | 'versionMax'>): Buffer {
  const { cluster, node, shard, address } = iam;
  const { host, ports } = address;
  return encodeFrame(KIND_IAM, [PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX, cluster, node, shard, ...bootWords(iam.boot), host, ports]);
}

/** Reads the answer to WHO. Errors: PROTOCOL on anything else than IAM or REFUSE. */
export function decodeIam(frame: Buffer): Iam | Refusal {
  if (frame[7] === KIND_REFUSE) return decodeRefusal(frame);
  if (frame[7] !== KIND_IAM) throw protocolError(`answer of kind ${frame[7]}, expected IAM (${KIND_IAM}) or REFUSE (${KIND_REFUSE})`);
  const items = decodeItems(frame);
  const versionMin = uint(items, 0, 'versionMin');
  const versionMax = uint(items, 1, 'versionMax');
  if (items.length < IAM_FIELDS) checkCount(items, IAM_FIELDS, 'IAM');
  const who = place(items, 3);
  return {
    ...who,
    versionMin,
    versionMax,
    cluster: text(items, 2, 'cluster', CLUSTER_CHARS_MAX),
    boot: boot(items, 5),
    address: address(who.node, text(items, 7, 'host', HOST_CHARS_MAX), items[8]),
  };
}

function address(node: string, host: string, ports: unknown): NodeAddress {
  if (!Array.isArray(ports) || ports.length < 1 || ports.length > SHARDS_MAX + 1)
    throw protocolError(`ports are ${printable(ports)}, expected 1 to ${SHARDS_MAX + 1} of them`);
  for (const port of ports as readonly unknown[]) {
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 0xffff)
      throw protocolError(`port is ${printable(port)}, expected 1 to 65535`);
  }
  if (!/^[\x21-\x7e]+$/.test(host)) throw protocolError(`host is ${printable(host)}, expected printable characters`);
  return checkNodeAddress({ node, host, ports: ports as readonly number[] });
}
