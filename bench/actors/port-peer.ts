/**
 * The baselines between threads, in a worker each: messages posted one by one with the same window and acknowledgements as ours, calls over
 * comlink, and an answer per question.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { expose, wrap } from 'comlink';
import type { Put } from './workload.ts';

export type PortRole = 'post-sender' | 'post-receiver' | 'comlink-sender' | 'comlink-receiver' | 'echo';

export interface PortPeerData {
  readonly role: PortRole;
  /** To the other worker of the pair. */
  readonly port: MessagePort;
}

/** Told to a sender over its parent port; it answers with the count when all were handled. */
export interface PortOrder {
  readonly count: number;
  readonly size: number;
  readonly path: 'object' | 'binary';
}

export interface ComlinkSink {
  put(message: Put): void;
}

const WINDOW = 4096;
const BURST = 512;
const CALLS_UNDER_WAY = 64;

const { role, port } = workerData as PortPeerData;
const parent = parentPort;
if (parent === null) throw new Error('port-peer is a worker');

switch (role) {
  case 'post-sender':
    serveSender(parent);
    break;
  case 'post-receiver':
    serveReceiver();
    break;
  case 'comlink-sender':
    serveComlinkSender(parent);
    break;
  case 'comlink-receiver':
    serveComlinkReceiver();
    break;
  case 'echo':
    port.on('message', (message: { readonly n: number }) => port.postMessage(message.n));
    break;
}

/** Sends one message per `postMessage`; counts acknowledgements, one per half window. */
function serveSender(main: MessagePort): void {
  let order: PortOrder = { count: 0, size: 0, path: 'object' };
  let text = '';
  let sent = 0;
  let allowed = 0;
  let isScheduled = false;
  main.on('message', (message: PortOrder) => {
    order = message;
    text = 'x'.repeat(order.size);
    sent = 0;
    allowed = WINDOW;
    port.postMessage(order.count);
    pump();
  });
  port.on('message', (handled: number) => {
    if (handled === order.count) main.postMessage(handled);
    allowed = handled + WINDOW;
    pump();
  });
  function pump(): void {
    const upTo = Math.min(order.count, allowed, sent + BURST);
    if (order.path === 'object') {
      for (; sent < upTo; sent++) port.postMessage({ type: 'put', n: sent, text } satisfies Put);
    } else {
      // A copy each, as ours makes: the sender may use its buffer again.
      for (; sent < upTo; sent++) port.postMessage(new Uint8Array(order.size).fill(7));
    }
    if (sent < Math.min(order.count, allowed) && !isScheduled) {
      isScheduled = true;
      setImmediate(() => {
        isScheduled = false;
        pump();
      });
    }
  }
}

function serveReceiver(): void {
  let handled = 0;
  let count = 0;
  let checksum = 0;
  port.on('message', (message: Put | Uint8Array | number) => {
    if (typeof message === 'number') {
      count = message;
      handled = 0;
      return;
    }
    if (message instanceof Uint8Array) checksum = (checksum + (message[0] as number) + (message[message.length - 1] as number)) | 0;
    else checksum = (checksum + message.n + message.text.length) | 0;
    handled++;
    if (handled === count || handled % (WINDOW / 2) === 0) port.postMessage(handled);
  });
}

function serveComlinkSender(main: MessagePort): void {
  const remote = wrap<ComlinkSink>(port);
  main.on('message', ({ count, size }: PortOrder) => {
    const text = 'x'.repeat(size);
    let n = 0;
    const call = async (): Promise<void> => {
      while (n < count) await remote.put({ type: 'put', n: n++, text });
    };
    Promise.all(Array.from({ length: CALLS_UNDER_WAY }, call)).then(
      () => main.postMessage(count),
      (error: unknown) => {
        throw error;
      },
    );
  });
}

function serveComlinkReceiver(): void {
  let checksum = 0;
  const sink: ComlinkSink = {
    put(message) {
      checksum = (checksum + message.n + message.text.length) | 0;
    },
  };
  expose(sink, port);
}
