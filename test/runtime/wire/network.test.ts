import test from 'ava';
import { NETWORK_RULES } from './network-contract.ts';
import { FakeWorld } from './rig.ts';

const rule = test.macro(async (t, name: string, pieceBytes: number) => {
  const world = new FakeWorld(t);
  world.net.pieceBytes = pieceBytes;
  await NETWORK_RULES[name]?.(t, world);
});

for (const name of Object.keys(NETWORK_RULES)) test(`fake network: ${name}`, rule, name, 10_000);
