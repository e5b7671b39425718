/** Three etcd members. What they confirm is on disk of two, whatever durability the run is of: they know no other. */
import { request } from 'node:http';
import { join } from 'node:path';
import { findProgram, freePorts, ServerProcess } from './server-process.ts';
import type { Target } from './target.ts';

const PROGRAM = 'etcd';
const MEMBERS = 3;
const START_MS = 30_000;

export const etcd: Target = {
  name: 'etcd',
  depths: [1],
  missing: () => (findProgram(PROGRAM) === undefined ? `${PROGRAM} is not installed` : undefined),
  offers: () => true,
  async start({ dir, connections }) {
    const ports = await freePorts(MEMBERS * 2);
    const clientPorts = ports.slice(0, MEMBERS);
    const members = clientPorts.map((port, i) => ({ name: `m${i}`, client: urlOf(port), peer: urlOf(ports[MEMBERS + i]!) }));
    const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
    const servers = members.map(({ name, client, peer }) => {
      const listen = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer];
      const join3 = ['--initial-advertise-peer-urls', peer, '--initial-cluster', cluster, '--initial-cluster-state', 'new'];
      const args = ['--name', name, '--data-dir', join(dir, name), ...listen, ...join3, '--log-level', 'error', '--logger', 'zap'];
      return new ServerProcess(PROGRAM, args, dir);
    });
    const stop = async (): Promise<void> => {
      await Promise.all(servers.map((server) => server.stop()));
    };
    try {
      for (const [i, server] of servers.entries()) await server.until(() => isHealthy(clientPorts[i]!), START_MS);
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      address: { protocol: 'etcd', ports: clientPorts, connections },
      described: 'three members, synced always, linearizable reads, over the HTTP gateway with open connections',
      isStrict: true,
      pids: servers.flatMap(({ pids }) => pids),
      httpPorts: [],
      stop,
    };
  },
};

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function isHealthy(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: '/health' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('error', reject);
    call.end();
  });
}
