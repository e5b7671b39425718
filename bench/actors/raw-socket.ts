/** The baselines over TCP: frames of the same size written in batches to a bare socket, and questions written to one that sends them back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { RAW_COUNT, RAW_ECHO } from './raw-protocol.ts';

const BATCH_BYTES = 64 * 1024;

export async function openSocket(port: number, mode: typeof RAW_COUNT | typeof RAW_ECHO): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.write(Buffer.from([mode]));
  return socket;
}

/** Writes `count` frames of `frameBytes` bytes, each filled in on its own as ours are, and resolves when the other side has counted them. */
export async function sendFrames(socket: Socket, count: number, frameBytes: number): Promise<void> {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(count);
  socket.write(head);
  const counted = once(socket, 'data');
  const perBatch = Math.floor(BATCH_BYTES / frameBytes);
  const body = Buffer.alloc(frameBytes - 8, 7);
  for (let sent = 0; sent < count; ) {
    const frames = Math.min(perBatch, count - sent);
    const batch = Buffer.allocUnsafeSlow(frames * frameBytes);
    for (let i = 0; i < frames; i++) {
      const at = i * frameBytes;
      batch.writeUInt32BE(frameBytes - 4, at);
      batch.writeUInt32BE(sent + i, at + 4);
      body.copy(batch, at + 8);
    }
    sent += frames;
    if (!socket.write(batch)) await once(socket, 'drain');
  }
  await counted;
}
