/** One node of ours as a Redis client sees it, without replicas: beside one Redis server, equally durable. */
import { clusterMissing, describedRules, httpPortsOf, respPortsOf, startCluster } from './node-cluster.ts';
import { offersNoScans, type Target } from './target.ts';

const NODES = 1;

export const dynactorOne: Target = {
  name: 'dynactor-one',
  depths: [1, 16],
  missing: clusterMissing,
  offers: offersNoScans,
  async start(given) {
    const options = { ...given, n: 1, r: 1, w: 1 };
    const { server, basePort } = await startCluster(options, NODES);
    return {
      address: { protocol: 'resp', ports: respPortsOf(basePort, NODES), connections: options.connections, waitReplicas: 0 },
      described: describedRules(options, NODES),
      isStrict: true,
      pids: server.pids,
      httpPorts: httpPortsOf(basePort, NODES),
      stop: () => server.stop(),
    };
  },
};
