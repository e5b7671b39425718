/**
 * Between two threads: the ring in shared memory that the runtime uses against buffers that are transferred or cloned over a MessagePort.
 * Real frames, encoded into an out-buffer and flushed once per turn of the loop; the receiver reads every header and touches the payload.
 * `node dist/bench/threads.js [--runs N] [--run-ms N] [--only TEXT] [--kinds ring,transfer,...] [--json FILE]`
 */
import { Worker } from 'node:worker_threads';
import { ringBytes } from '../runtime/threads/frame-ring.ts';
import { createThreadChannel } from '../runtime/threads/thread-channel.ts';
import { oneOf, optionsOf, orUsageError, usageError, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';
import { quantileOf } from './lib/stats.ts';
import type { CarrierKind } from './threads-carriers.ts';
import type { PeerResult, PeerRun } from './threads-peer.ts';

const { values: options } = optionsOf({
  options: {
    runs: { type: 'string', default: '5' },
    'run-ms': { type: 'string', default: '100' },
    only: { type: 'string', default: '' },
    kinds: { type: 'string', default: 'ring,ring-async,transfer,transfer-whole,clone' },
    'window-bytes': { type: 'string', default: `${1 << 18}` },
    json: { type: 'string' },
  },
});

interface Case {
  readonly name: string;
  readonly mode: 'one way' | 'both ways' | 'round trip';
  readonly payloadBytes: number;
  /** Frames per flush. */
  readonly batch: number;
  readonly flushAt: 'turn' | 'event';
  /** Besides the kinds that are asked for. */
  readonly baseline: 'single' | 'bare' | null;
}

type Kind = PeerRun['carrier'];
type Figures = Readonly<Record<string, number>>;

const LABELS: Readonly<Record<Kind, string>> = {
  ring: 'ring',
  'ring-async': 'ring, woken by waitAsync',
  transfer: 'transferred copy',
  'transfer-whole': 'transferred out-buffer',
  clone: 'cloned copy',
  single: 'a message per frame',
  bare: 'bare MessagePort ping-pong',
};
const KINDS: readonly CarrierKind[] = ['ring', 'ring-async', 'transfer', 'transfer-whole', 'clone', 'single'];
const kinds = options.kinds.split(',').map((word) => oneOf('kinds', word, KINDS));
const runs = wholeNumber('runs', options.runs);
const runMs = wholeNumber('run-ms', options['run-ms']);
const windowBytes = wholeNumber('window-bytes', options['window-bytes']);
orUsageError('--window-bytes: ', () => ringBytes(windowBytes));
const LATE_MS = 10_000;
const ext = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

function casesOf(): Case[] {
  const cases: Case[] = [];
  const stream = (mode: Case['mode'], payloadBytes: number, batch: number) => {
    const baseline = mode === 'one way' && payloadBytes === 64 ? 'single' : null;
    cases.push({ name: `${mode}, ${payloadBytes} B, ${batch} per flush`, mode, payloadBytes, batch, flushAt: 'turn', baseline });
  };
  for (const payloadBytes of [64, 100, 1024]) for (const batch of [1, 16, 64, 1024]) stream('one way', payloadBytes, batch);
  for (const payloadBytes of [64, 1024]) for (const batch of [1, 16, 64, 1024]) stream('both ways', payloadBytes, batch);
  for (const flushAt of ['turn', 'event'] as const) {
    const name = `round trip, 64 B, flushed ${flushAt === 'turn' ? 'at the end of the turn' : 'within the event'}`;
    cases.push({ name, mode: 'round trip', payloadBytes: 64, batch: 1, flushAt, baseline: 'bare' });
  }
  return cases;
}

/** Two workers for each kind, so that none runs code that was compiled for another. */
class Pair {
  readonly #workers = [0, 1].map(() => new Worker(new URL(`./threads-peer${ext}`, import.meta.url))) as [Worker, Worker];

  async run(c: Case, carrier: Kind, durationMs: number): Promise<Figures> {
    const { a, b } = createThreadChannel({ bulkBytes: windowBytes });
    const order = (end: PeerRun['end']): PeerRun => ({
      carrier,
      end,
      payloadBytes: c.payloadBytes,
      batch: end.side === 0 || c.mode === 'both ways' ? c.batch : 0,
      expectsStream: end.side === 1 || c.mode === 'both ways',
      durationMs,
      role: c.mode !== 'round trip' ? 'stream' : end.side === 0 ? 'asks' : 'answers',
      flushAt: c.flushAt,
    });
    const [first, second] = this.#workers;
    const cpuBefore = process.cpuUsage();
    const results = Promise.all(
      (c.mode === 'round trip' ? [first] : [first, second]).map((worker) => resultOf(worker, `${c.name}, ${carrier}`, durationMs)),
    );
    second.postMessage(order(b.end), b.transferList);
    first.postMessage(order(a.end), a.transferList);
    const done = await results;
    const cpu = process.cpuUsage(cpuBefore);
    for (const worker of this.#workers) worker.postMessage('close');
    const received = done.reduce((sum, result) => sum + result.received, 0);
    const cpuUs = (cpu.user + cpu.system) / received;
    if (c.mode === 'round trip') {
      const sorted = Float64Array.from(done[0]?.roundTripsUs ?? []).sort();
      return { 'us p50': quantileOf(sorted, 0.5), 'us p99': quantileOf(sorted, 0.99), 'cpu us/trip': cpuUs };
    }
    const startNs = done.map((r) => r.startNs).reduce((x, y) => (x < y ? x : y));
    const endNs = done.map((r) => r.endNs).reduce((x, y) => (x > y ? x : y));
    return { 'msg/s': (received * 1e9) / Number(endNs - startNs), 'cpu us/msg': cpuUs };
  }

  stop(): Promise<unknown> {
    return Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function resultOf(worker: Worker, what: string, durationMs: number): Promise<PeerResult> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no end: ${what}`)), durationMs + LATE_MS);
    worker.once('error', reject);
    worker.once('message', (result: PeerResult) => {
      clearTimeout(late);
      worker.off('error', reject);
      resolve(result);
    });
  });
}

async function measure(cases: readonly Case[], kinds: readonly CarrierKind[]): Promise<Row[]> {
  const pairs = new Map<Kind, Pair>();
  const samples = new Map<string, number[]>();
  // Round by round, so that whatever disturbs the machine disturbs all kinds. The first round is warm-up.
  for (let run = -1; run < runs; run++) {
    for (const c of cases) {
      for (const kind of c.baseline === null ? kinds : [...kinds, c.baseline]) {
        const pair = pairs.get(kind) ?? new Pair();
        pairs.set(kind, pair);
        const figures = await pair.run(c, kind, runMs);
        if (run < 0) continue;
        for (const [unit, value] of Object.entries(figures)) {
          const key = [c.name, unit, kind].join();
          samples.set(key, [...(samples.get(key) ?? []), value]);
        }
      }
    }
  }
  await Promise.all([...pairs.values()].map((pair) => pair.stop()));
  const [ours, ...peers] = kinds as readonly [CarrierKind, ...CarrierKind[]];
  return cases.flatMap((c) =>
    (c.mode === 'round trip' ? ['us p50', 'us p99', 'cpu us/trip'] : ['msg/s', 'cpu us/msg']).flatMap((unit) => {
      const of = (kind: Kind) => samples.get([c.name, unit, kind].join()) ?? [];
      const others: readonly Kind[] = c.baseline === null ? peers : [...peers, c.baseline];
      if (others.length === 0) return [rowOf(c.name, unit, of(ours))];
      return others.map((kind) => rowOf(c.name, unit, of(ours), LABELS[kind], of(kind)));
    }),
  );
}

const wanted = casesOf().filter(({ name }) => name.includes(options.only));
if (wanted.length === 0) usageError(`--only: expected a part of the name of a row, got ${options.only}`);
const setup = setupOf({ what: 'two worker threads, closed loop', ...options });
printSetup(setup);
const rows = await measure(wanted, kinds);
printRows(rows);
writeReport(options.json, setup, rows);
