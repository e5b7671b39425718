/** A Redis server with two replicas; each write is followed by WAIT 1: confirmed when two of three have it. Reads ask the one server alone. */
import { redisDurability, redisMissing, startRedis } from './redis.ts';
import { askResp } from './resp-ask.ts';
import { freePorts, type ServerProcess } from './server-process.ts';
import { offersNoScans, type Target } from './target.ts';

const REPLICAS = 2;
const SYNC_MS = 30_000;

export const redisWait: Target = {
  name: 'redis-wait',
  depths: [1, 16],
  missing: redisMissing,
  offers: offersNoScans,
  async start({ dir, durability, connections }) {
    const [primary, ...replicas] = (await freePorts(1 + REPLICAS)) as [number, ...number[]];
    const servers: ServerProcess[] = [];
    const stop = async (): Promise<void> => {
      await Promise.all(servers.map((server) => server.stop()));
    };
    try {
      servers.push(await startRedis({ dir, port: primary, durability, more: ['--repl-diskless-sync-delay', '0'] }));
      const more = ['--replicaof', '127.0.0.1', String(primary)];
      for (const port of replicas) servers.push(await startRedis({ dir, port, durability, more }));
      await servers[0]!.until(async () => {
        const info = await askResp(primary, ['INFO', 'replication']);
        return (info.match(/^slave\d+:.*state=online/gm) ?? []).length === REPLICAS;
      }, SYNC_MS);
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      address: { protocol: 'resp', ports: [primary], connections, waitReplicas: 1 },
      described: `a server and two replicas, WAIT 1 after each write, all ${redisDurability(durability)}; reads ask one`,
      isStrict: true,
      pids: servers.flatMap(({ pids }) => pids),
      httpPorts: [],
      stop,
    };
  },
};
