/** One Redis server. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { askResp } from './resp-ask.ts';
import { findProgram, freePorts, ServerProcess } from './server-process.ts';
import { type Durability, offersNoScans, type Target } from './target.ts';

const PROGRAM = 'redis-server';
const START_MS = 10_000;

export const redis: Target = {
  name: 'redis',
  depths: [1, 16],
  missing: redisMissing,
  offers: offersNoScans,
  async start({ dir, durability, connections }) {
    const [port] = await freePorts(1);
    const server = await startRedis({ dir, port: port!, durability, more: [] });
    return {
      address: { protocol: 'resp', ports: [port!], connections, waitReplicas: 0 },
      described: `one server, ${redisDurability(durability)}`,
      isStrict: true,
      pids: server.pids,
      httpPorts: [],
      stop: () => server.stop(),
    };
  },
};

export function redisMissing(): string | undefined {
  return findProgram(PROGRAM) === undefined ? `${PROGRAM} is not installed` : undefined;
}

export function redisDurability(durability: Durability): string {
  return durability === 'sync' ? 'appendfsync always' : 'in memory, no append-only file and no snapshots';
}

/** Resolves when it answers. */
export async function startRedis(options: {
  dir: string;
  port: number;
  durability: Durability;
  more: readonly string[];
}): Promise<ServerProcess> {
  const { port, durability } = options;
  const dir = join(options.dir, String(port));
  mkdirSync(dir, { recursive: true });
  const log = durability === 'sync' ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, '--save', '', ...log, ...options.more];
  const server = new ServerProcess(PROGRAM, args, dir);
  await server.until(async () => (await askResp(port, ['PING'])) === '+PONG\r\n', START_MS);
  return server;
}
