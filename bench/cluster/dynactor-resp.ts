/**
 * Our nodes as a Redis client sees them, connections spread over them: the cluster; one without replicas, beside one Redis server that is as durable; and the cluster with more functions
 * inlined.
 */
import { clusterMissing, describedRules, httpPortsOf, isStrict, NODES, respPortsOf, startCluster } from './node-cluster.ts';
import { offersNoScans, type StartOptions, type Target } from './target.ts';

const MORE_INLINING = new URL('./more-inlining.js', import.meta.url).href;

export const dynactorResp = targetOf('dynactor-resp', NODES, (options) => options);
export const dynactorOne = targetOf('dynactor-one', 1, (options) => ({ ...options, n: 1, r: 1, w: 1 }));
export const dynactorInlined = targetOf('dynactor-inlined', NODES, (options) => options, MORE_INLINING);

function targetOf(name: Target['name'], nodes: number, rules: (options: StartOptions) => StartOptions, module = ''): Target {
  return {
    name,
    depths: [1, 16],
    missing: clusterMissing,
    offers: offersNoScans,
    async start(given) {
      const options = rules(given);
      const { server, basePort } = await startCluster(options, nodes, module);
      return {
        address: { protocol: 'resp', ports: respPortsOf(basePort, nodes), connections: options.connections, waitReplicas: 0 },
        described: `${describedRules(options, nodes)}${module === '' ? '' : ', more functions inlined'}`,
        isStrict: isStrict(options),
        pids: server.pids,
        httpPorts: httpPortsOf(basePort, nodes),
        stop: () => server.stop(),
      };
    },
  };
}
