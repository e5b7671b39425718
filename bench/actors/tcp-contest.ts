/** What both rows of `tell` over TCP have in common. */
import { BYTES_PREFIX_BYTES, FRAME_HEADER_BYTES } from '../../runtime/wire/frame.ts';
import { type Contest, rateOf } from '../lib/contest.ts';
import { openNodePair } from './node-pair.ts';
import { RAW_COUNT } from './raw-protocol.ts';
import { openSocket, sendFrames } from './raw-socket.ts';
import { drive, driver, type Load, sinkKey } from './workload.ts';

const WINDOW = 16_384;
const PAYLOAD_BYTES = 100;

/**
 * "Akka Artery: 630,000 messages per second of 100 bytes", one pair of large machines on a fast network: no figure to be compared with on equal terms,
 * but the one that the field knows. Source: doc.akka.io, Artery TCP and Aeron benchmarks.
 */
const ARTERY_PER_SECOND = 630_000;

export async function openTcpContest(name: string, load: Pick<Load, 'size' | 'path'>, chunk: number): Promise<Contest> {
  const pair = await openNodePair(WINDOW);
  const from = pair.system.spawn(driver);
  const to = await pair.find(sinkKey);
  const socket = await openSocket(pair.rawPort, RAW_COUNT);
  const frameBytes = FRAME_HEADER_BYTES + (load.path === 'binary' ? BYTES_PREFIX_BYTES : 0) + PAYLOAD_BYTES;
  return {
    metrics: [{ key: 'rate', name, unit: 'msg/s' }],
    ours: rateOf('dynactor', chunk, (count) => drive(from, to, { ...load, count, window: WINDOW })),
    peers: [rateOf('bare socket, same frames in batches of 64 KiB', chunk, (count) => sendFrames(socket, count, frameBytes))],
    published: [{ label: 'Akka Artery', figures: { rate: ARTERY_PER_SECOND } }],
    close: async () => {
      socket.destroy();
      await pair.close();
    },
  };
}
