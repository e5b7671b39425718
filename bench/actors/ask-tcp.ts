/** ask over loopback TCP at 10 000 a second, open loop: latency from the time each was meant to begin. */
import type { Socket } from 'node:net';
import type { Contender, Contest } from '../lib/contest.ts';
import { openLoop } from '../lib/open-loop.ts';
import { openNodePair } from './node-pair.ts';
import { RAW_ECHO } from './raw-protocol.ts';
import { openSocket } from './raw-socket.ts';
import { echoKey, TEXT_100 } from './workload.ts';

const PER_SECOND = 10_000;
const FRAME_BYTES = 135;
/** A quantile of 99.9 % needs some thousand requests. */
const STRETCH = 5;
/** In stretches. Why: a contest forces a full collection before each run, and for some 0.3 s after it the tail is the collector's, ours and the bare socket's. */
const SETTLE = 2;
const TEXT = 'x'.repeat(TEXT_100);

export async function open(): Promise<Contest> {
  const pair = await openNodePair(0);
  const echo = await pair.find(echoKey);
  const socket = await openSocket(pair.rawPort, RAW_ECHO);
  const rawRequest = rawEcho(socket);
  const contender = (label: string, request: (n: number, onAnswer: () => void) => void): Contender => ({
    label,
    run: async (ms) => ({ ...(await openLoop({ perSecond: PER_SECOND, ms: ms * STRETCH, settleMs: ms * SETTLE, request })) }),
  });
  return {
    metrics: [
      { key: 'p50', name: 'ask over TCP at 10 k/s, open loop, p50', unit: 'ms' },
      { key: 'p99', name: 'ask over TCP at 10 k/s, open loop, p99', unit: 'ms' },
      { key: 'p999', name: 'ask over TCP at 10 k/s, open loop, p99.9', unit: 'ms' },
      { key: 'lateP99', name: '  of which the generator began late, p99', unit: 'ms' },
    ],
    ours: contender('dynactor', (n, onAnswer) => {
      echo
        .ask<number>((replyTo) => ({ type: 'question', n, text: TEXT, replyTo }), { timeoutMs: 5000 })
        .then(
          () => onAnswer(),
          (error: unknown) => {
            throw error;
          },
        );
    }),
    peers: [contender('bare socket echo', rawRequest)],
    close: async () => {
      socket.destroy();
      await pair.close();
    },
  };
}

/** Answers come in the order of the questions. */
function rawEcho(socket: Socket): (n: number, onAnswer: () => void) => void {
  const waiting: (() => void)[] = [];
  let received = 0;
  socket.on('data', (bytes: Buffer) => {
    received += bytes.length;
    for (; received >= FRAME_BYTES; received -= FRAME_BYTES) waiting.shift()?.();
  });
  return (n, onAnswer) => {
    const frame = Buffer.allocUnsafe(FRAME_BYTES).fill(7);
    frame.writeUInt32BE(n);
    waiting.push(onAnswer);
    socket.write(frame);
  };
}
