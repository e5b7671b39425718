/** Our cluster as a Redis client sees it, connections spread over the nodes. */
import { clusterMissing, describedRules, httpPortsOf, isStrict, respPortsOf, startCluster } from './node-cluster.ts';
import { offersNoScans, type Target } from './target.ts';

export const dynactorResp: Target = {
  name: 'dynactor-resp',
  depths: [1, 16],
  missing: clusterMissing,
  offers: offersNoScans,
  async start(options) {
    const { server, basePort } = await startCluster(options);
    const { connections } = options;
    return {
      address: { protocol: 'resp', ports: respPortsOf(basePort), connections, waitReplicas: 0 },
      described: describedRules(options),
      isStrict: isStrict(options),
      pids: server.pids,
      httpPorts: httpPortsOf(basePort),
      stop: () => server.stop(),
    };
  },
};
