import test from 'ava';
import { FakeWorld, RealWorld } from './rig.ts';
import { SCENARIOS } from './transport-scenarios.ts';

const overFake = test.macro(async (t, name: string) => SCENARIOS[name]?.(t, new FakeWorld(t)));
const inBytes = test.macro(async (t, name: string) => {
  const world = new FakeWorld(t);
  world.net.pieceBytes = 1;
  await SCENARIOS[name]?.(t, world);
});
const overReal = test.macro(async (t, name: string) => SCENARIOS[name]?.(t, new RealWorld(t)));

/** Too many bytes for one by one. */
const NOT_IN_BYTES: readonly string[] = [
  'frames of all sizes arrive whole and in order, when both sides send at full speed',
  'a peer that never reads costs bounded memory and delays no control',
];

for (const name of Object.keys(SCENARIOS)) {
  test(`tcp transport: ${name}`, overFake, name);
  if (!NOT_IN_BYTES.includes(name)) test(`tcp transport: ${name}, byte by byte`, inBytes, name);
  test.serial(`tcp transport over loopback: ${name}`, overReal, name);
}
