import test from 'ava';
import { realClock } from '../../../runtime/real/clock.ts';
import { canSharePorts } from '../../../runtime/real/host.ts';
import { ReadSlabs } from '../../../runtime/real/read-slabs.ts';
import { TcpNetwork } from '../../../runtime/real/tcp-network.ts';
import type { Listener } from '../../../runtime/wire/network.ts';
import { RecordingLog } from '../recording-log.ts';
import { NETWORK_RULES } from '../wire/network-contract.ts';
import { RealWorld } from '../wire/rig.ts';

const rule = test.macro(async (t, name: string) => NETWORK_RULES[name]?.(t, new RealWorld(t)));

for (const name of Object.keys(NETWORK_RULES)) test.serial(`tcp network: ${name}`, rule, name);

test('read slabs: regions of all reads are apart, and an idle socket holds little', (t) => {
  const slabs = new ReadSlabs();
  t.true(slabs.next().length <= 16 * 1024);
  const seen: { slab: Buffer; start: number; end: number }[] = [];
  for (let i = 0; i < 2000; i++) {
    const region = slabs.next();
    t.true(region.length >= 4096);
    const count = i % 3 === 0 ? region.length : 1 + (i % 100);
    const start = slabs.took(count);
    t.is(region.byteOffset, slabs.slab.byteOffset + start);
    t.is(region.buffer, slabs.slab.buffer);
    const last = seen.at(-1);
    if (last?.slab === slabs.slab) t.is(start, last.end);
    else t.false(seen.some(({ slab }) => slab === slabs.slab));
    seen.push({ slab: slabs.slab, start, end: start + count });
    if (seen.length > 50) seen.shift();
  }
  t.is(slabs.slab.length, 256 * 1024);
});

test('read slabs: small reads do not make them grow', (t) => {
  const slabs = new ReadSlabs();
  for (let i = 0; i < 10_000; i++) {
    slabs.next();
    slabs.took(100);
  }
  t.is(slabs.slab.length, 16 * 1024);
});

test('tcp network: who says that a port is shared listens where others do that say the same, or hears that it can not be', async (t) => {
  const network = new TcpNetwork({ log: new RecordingLog(), clock: realClock() });
  const listen = (port: number) =>
    new Promise<Listener | Error>((resolve) => {
      network.listen('127.0.0.1', port, (stream) => stream.destroy('test over'), resolve, true);
    });
  const first = await listen(0);
  if (!canSharePorts()) {
    t.regex(String(first), /cannot listen on 127\.0\.0\.1:0: expected a system and a Node that can share ports/);
    return;
  }
  if (first instanceof Error) throw first;
  const second = await listen(first.port);
  first.close();
  if (second instanceof Error) throw second;
  t.is(second.port, first.port);
  second.close();
});
