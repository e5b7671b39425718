/**
 * The other process of the rows over TCP: a node with a sink and an echo, and beside it a bare server that counts or sends back what it is sent.
 * Ends when the process that started it does.
 */
import { createServer, type Socket } from 'node:net';
import { formatNodeAddress } from '../../runtime/node-address.ts';
import { ActorSystem } from '../../runtime/system.ts';
import { RAW_COUNT, RAW_ECHO } from './raw-protocol.ts';
import { sinkMailbox } from './shard-pair.ts';
import { echo, echoKey, sink, sinkKey } from './workload.ts';

/** Of every raw frame: length of the body, as of ours. */
const LENGTH_BYTES = 4;

export interface PeerNodeReady {
  readonly address: string;
  readonly rawPort: number;
}

async function main(window: number): Promise<void> {
  process.once('disconnect', () => process.exit(0));
  const system = await ActorSystem.start({ node: 'peer', listen: { host: '127.0.0.1', port: 0 }, logLevel: 'warn' });
  system.register(sinkKey, system.spawn(sink, [], { mailbox: sinkMailbox(window) }));
  system.register(echoKey, system.spawn(echo, [], { mailbox: { capacity: 65_536 } }));
  const server = createServer({ noDelay: true }, serveRaw);
  server.listen(0, '127.0.0.1', () => {
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('raw server is not bound to a port');
    const ready: PeerNodeReady = { address: formatNodeAddress(system.address), rawPort: bound.port };
    process.send?.(ready);
  });
}

/** First byte: what to do. Counting: u32 count, then frames; answers with one byte when that many were there. */
function serveRaw(socket: Socket): void {
  let mode = 0;
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    if (mode === 0) {
      mode = bytes[0] as number;
      if (mode === RAW_COUNT) countFrames(socket, bytes.subarray(1));
      else if (bytes.length > 1) socket.write(bytes.subarray(1));
    } else if (mode === RAW_ECHO) {
      socket.write(bytes);
    }
  });
}

/** Splits the stream into frames as a receiver must, and reads a byte of each. */
function countFrames(socket: Socket, first: Buffer): void {
  let rest: Buffer = Buffer.alloc(0);
  let expected = -1;
  let checksum = 0;
  const take = (bytes: Buffer): void => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let at = 0;
    for (;;) {
      if (all.length - at < LENGTH_BYTES) break;
      if (expected <= 0) {
        expected = all.readUInt32BE(at);
        at += LENGTH_BYTES;
        continue;
      }
      const next = at + LENGTH_BYTES + all.readUInt32BE(at);
      if (next > all.length) break;
      checksum = (checksum + (all[next - 1] as number)) | 0;
      at = next;
      if (--expected === 0) socket.write(Buffer.from([checksum & 0xff]));
    }

    rest = all.subarray(at);
  };
  socket.on('data', take);
  take(first);
}

await main(Number(process.argv[2] ?? 0));
