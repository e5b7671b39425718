/** Two workers joined by a port, for the baselines between threads. */
import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { PortOrder, PortPeerData, PortRole } from './port-peer.ts';

export interface PortPair {
  send(order: PortOrder): Promise<void>;
  close(): Promise<void>;
}

export function openPortPair(sender: PortRole, receiver: PortRole): PortPair {
  const { port1, port2 } = new MessageChannel();
  const from = startPeer(sender, port1);
  const to = startPeer(receiver, port2);
  return {
    send: async (order) => {
      from.postMessage(order);
      const [handled] = (await once(from, 'message')) as [number];
      if (handled !== order.count) throw new Error(`${receiver}: ${handled} of ${order.count} handled`);
    },
    close: async () => {
      await Promise.all([from.terminate(), to.terminate()]);
    },
  };
}

export function startPeer(role: PortRole, port: MessagePort): Worker {
  const data: PortPeerData = { role, port };
  const worker = new Worker(new URL('./port-peer.js', import.meta.url), { workerData: data, transferList: [port] });
  worker.once('error', (error) => {
    throw error;
  });
  return worker;
}
