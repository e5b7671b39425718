/** Our cluster through our own client. Its keyspace is `lww`: an update without a context takes the place of what is there, as a SET does, and makes no sibling. */
import { clusterMissing, describedRules, httpPortsOf, isStrict, seedsOf, startCluster } from './node-cluster.ts';
import { offersNoScans, type Target } from './target.ts';

const IN_FLIGHT = 256;

export const dynactorClient: Target = {
  name: 'dynactor-client',
  depths: [1],
  missing: clusterMissing,
  offers: offersNoScans,
  async start(options) {
    const { server, basePort } = await startCluster(options);
    const { n, r, w, durability } = options;
    return {
      address: { protocol: 'client', settings: { seeds: seedsOf(basePort), inFlight: IN_FLIGHT, n, r, w, durability } },
      described: `${describedRules(options)}, keyspace lww, ${IN_FLIGHT} in flight`,
      isStrict: isStrict(options),
      pids: server.pids,
      httpPorts: httpPortsOf(basePort),
      stop: () => server.stop(),
    };
  },
};
