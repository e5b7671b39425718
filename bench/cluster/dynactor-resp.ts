/** Our nodes as a Redis client sees them, connections spread over them: the cluster; and one without replicas, beside one Redis server that is as durable. */
import { clusterMissing, describedRules, httpPortsOf, isStrict, NODES, respPortsOf, startCluster } from './node-cluster.ts';
import { offersNoScans, type StartOptions, type Target } from './target.ts';

export const dynactorResp = targetOf('dynactor-resp', NODES, (options) => options);
export const dynactorOne = targetOf('dynactor-one', 1, (options) => ({ ...options, n: 1, r: 1, w: 1 }));

function targetOf(name: Target['name'], nodes: number, rules: (options: StartOptions) => StartOptions): Target {
  return {
    name,
    depths: [1, 16],
    missing: clusterMissing,
    offers: offersNoScans,
    async start(given) {
      const options = rules(given);
      const { server, basePort } = await startCluster(options, nodes);
      return {
        address: { protocol: 'resp', ports: respPortsOf(basePort, nodes), connections: options.connections, waitReplicas: 0 },
        described: describedRules(options, nodes),
        isStrict: isStrict(options),
        pids: server.pids,
        httpPorts: httpPortsOf(basePort, nodes),
        stop: () => server.stop(),
      };
    },
  };
}
