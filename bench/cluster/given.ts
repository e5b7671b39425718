/** RESP servers that somebody else has started. */
import { offersNoScans, type Target } from './target.ts';

/** `ports`: of 127.0.0.1. */
export function given(ports: readonly number[]): Target {
  return {
    name: 'given',
    depths: [1, 16],
    missing: () => (ports.length === 0 ? 'no --resp ports are given' : undefined),
    offers: offersNoScans,
    start: ({ connections }) =>
      Promise.resolve({
        address: { protocol: 'resp', ports, connections, waitReplicas: 0 },
        described: 'servers started by others, as durable as they are',
        isStrict: true,
        pids: [],
        httpPorts: [],
        stop: () => Promise.resolve(),
      }),
  };
}
