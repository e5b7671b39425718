import test from 'ava';
import { knownRing } from '../../../actors/membership/known-ring.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import { ClusterView } from '../../../actors/store/cluster-view.ts';
import { TopologyHolder } from '../../../actors/store/topology.ts';
import type { AnyRef } from '../../../runtime/ref.ts';
import { RingWorld } from '../ring/ring-world.ts';

/** Of actors of one thread, as far as they are given the same topologies. */
function viewsOf(count: number, ring: RingHolder): readonly ClusterView[] {
  const topologies = new TopologyHolder('n1');
  const refTo = (): AnyRef => {
    throw new Error('nobody is sent anything here');
  };
  return Array.from({ length: count }, () => new ClusterView({ ring, topologies, refTo }));
}

test('cluster view: all actors of a thread go by one topology, which is made anew for a new ring alone', (t) => {
  const { ring: state } = new RingWorld(3);
  const ring: RingHolder = { ring: knownRing(state), mayServe: true };
  const views = viewsOf(3, ring);
  const first = views[0]!.topology();
  t.is(first?.ring, state);
  for (const view of views) t.is(view.topology(), first);
  const next = { ...state, epoch: state.epoch + 1 };
  ring.ring = knownRing(next);
  const second = views[0]!.topology();
  t.is(second?.ring, next);
  for (const view of views) t.is(view.topology(), second);
});

test('cluster view: there is no topology while the node may not serve, or has no ring', (t) => {
  const ring: RingHolder = { ring: null, mayServe: true };
  const [view] = viewsOf(1, ring);
  t.is(view!.topology(), null);
  ring.ring = knownRing(new RingWorld(3).ring);
  ring.mayServe = false;
  t.is(view!.topology(), null);
  ring.mayServe = true;
  t.not(view!.topology(), null);
});
