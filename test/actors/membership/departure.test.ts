import test from 'ava';
import { Departure } from '../../../actors/membership/departure.ts';
import { type KnownRing, knownRing } from '../../../actors/membership/known-ring.ts';
import { idOf, RingWorld } from '../ring/ring-world.ts';

interface Rig {
  readonly departure: Departure;
  /** Who was asked, in the order of it. */
  readonly asked: string[];
  readonly taught: string[];
  readonly wakes: () => number;
}

/** A ring of `count` members, and a node that it does not have. */
function rigOf(count: number, mutants: readonly string[] = []): Rig & { readonly ring: KnownRing } {
  const asked: string[] = [];
  const taught: string[] = [];
  let wakes = 0;
  const peers = {
    teach: (_ring: KnownRing | null, id: string) => void taught.push(id),
    askRing: ({ id }: { readonly id: string }) => void asked.push(id),
  };
  const departure = new Departure(peers, () => wakes++, new Set(mutants));
  return { departure, asked, taught, wakes: () => wakes, ring: knownRing(new RingWorld(count).ring) };
}

test('departure: who was not removed owes nobody anything', (t) => {
  const { departure, wakes } = rigOf(3);
  departure.tellUntold();
  t.false(departure.isUnderWay);
  t.is(wakes(), 0);
});

test('departure: it is over when a majority of those who stay has the ring on disk, and not before', (t) => {
  const { departure, ring, asked, taught, wakes } = rigOf(4);
  departure.begin(ring);
  t.true(departure.isUnderWay);
  t.deepEqual(asked, [1, 2, 3, 4].map(idOf));
  t.deepEqual(taught, asked);
  t.is(wakes(), 1);
  departure.heard(idOf(2), ring.encoded);
  departure.heard(idOf(2), ring.encoded);
  departure.heard(idOf(9), ring.encoded);
  departure.heard(idOf(3), { ...ring.encoded, epoch: ring.encoded.epoch - 1 });
  departure.heard(idOf(4), ring.encoded);
  t.true(departure.isUnderWay);
  departure.tellUntold();
  t.deepEqual(asked.slice(4), [1, 3].map(idOf));
  departure.heard(idOf(1), ring.encoded);
  t.false(departure.isUnderWay);
  departure.tellUntold();
  t.is(wakes(), 2);
});

test('departure: it is over when one has a newer ring, which a majority that had this one has decided', (t) => {
  const { departure, ring } = rigOf(4);
  departure.begin(ring);
  departure.heard(idOf(3), { ...ring.encoded, epoch: ring.encoded.epoch + 1 });
  t.false(departure.isUnderWay);
});

test('departure: of one who stays that one has to know', (t) => {
  const { departure, ring } = rigOf(1);
  departure.begin(ring);
  t.true(departure.isUnderWay);
  departure.heard(idOf(1), ring.encoded);
  t.false(departure.isUnderWay);
});

test('departure: the planted bug leavesUntold waits for nobody', (t) => {
  const { departure, ring } = rigOf(1, ['leavesUntold']);
  departure.begin(ring);
  t.false(departure.isUnderWay);
});
