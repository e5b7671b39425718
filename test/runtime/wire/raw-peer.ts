/** RawPeer: the far end of a connection in the hands of a test, which may say anything on it. */
import { OutBuffer } from '../../../runtime/bytes.ts';
import { CONTROL_CLASS, REQUEST } from '../../../runtime/lanes.ts';
import { beginFrame, endFrame, FRAME_HEADER_BYTES, NO_DEADLINE } from '../../../runtime/wire/frame.ts';
import { decodeAnswer, encodeHello, type Hello, isRefusal } from '../../../runtime/wire/handshake.ts';
import type { ByteStream, StreamHandler } from '../../../runtime/wire/network.ts';
import type { TestNode, World } from './rig.ts';

export class RawPeer implements StreamHandler {
  readonly stream: ByteStream;
  received = Buffer.alloc(0);
  isConnected = false;
  closed: string | null = null;

  constructor(stream: ByteStream) {
    this.stream = stream;
    stream.handler = this;
  }

  static async dial(world: World, node: TestNode): Promise<RawPeer> {
    const peer = new RawPeer(world.network().connect('127.0.0.1', node.port));
    await world.until(() => peer.isConnected, 'raw connection');
    return peer;
  }

  /** Dials and goes through the handshake as `hello` says. */
  static async greet(world: World, node: TestNode, hello: Partial<Hello> = {}): Promise<RawPeer> {
    const peer = await RawPeer.dial(world, node);
    peer.send(helloTo(node, hello));
    await world.until(() => peer.kinds().length > 0 || peer.closed !== null, 'an answer');
    return peer;
  }

  send(bytes: Buffer): void {
    this.stream.write(bytes, 0, bytes.length);
  }

  /** Kinds of the whole frames received. */
  kinds(): number[] {
    return this.frames().map((frame) => frame[7] as number);
  }

  frames(): Buffer[] {
    const frames: Buffer[] = [];
    let at = 0;
    while (at + FRAME_HEADER_BYTES < this.received.length) {
      const next = at + 4 + this.received.readUInt32BE(at);
      if (next > this.received.length) break;
      frames.push(this.received.subarray(at, next));
      at = next;
    }
    return frames;
  }

  /** The refusal received, as `CODE`; '' when there is none. */
  refusal(): string {
    const first = this.frames()[0];
    if (first === undefined) return '';
    const answer = decodeAnswer(first);
    return isRefusal(answer) ? answer.code : '';
  }

  onConnect(): void {
    this.isConnected = true;
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.received = Buffer.concat([this.received, bytes.subarray(start, end)]);
  }
  onDrain(): void {
    // Tests look at what arrived at the other end.
  }
  onClose(reason: string): void {
    this.closed = reason;
  }
}

/** What an honest dialler named `raw` would send to `node`, with `change`. */
export function helloTo(node: TestNode, change: Partial<Hello> = {}): Buffer {
  const { node: expectedNode, shard: expectedShard } = node.place;
  const me = { cluster: 'test', node: 'raw', shard: 0, boot: 1 };
  return encodeHello({ ...me, laneClass: CONTROL_CLASS, expectedNode, expectedShard, maxFrameBytes: 8 << 20, attempt: 1, ...change });
}

/** A frame with a one-byte payload. */
export function smallFrame(kind: number, id = 0): Buffer {
  const out = new OutBuffer(36, 36);
  const at = beginFrame(out, kind, REQUEST, 0, 1, 1, 0, 0, NO_DEADLINE, id);
  out.view.setUint8(out.length++, 0xf6);
  endFrame(out, at);
  return out.bytes;
}
