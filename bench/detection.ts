/**
 * Detection of a killed process: real processes on loopback, `kill -9` of one at a random moment, time until all others show it as DOWN. What it
 * includes: suspicion, probes, accusations of two, their spreading, and half a poll.
 *
 *   node dist/bench/detection.js [--nodes 3] [--kills 21] [--interval 1000] [--json FILE]
 */
import { join } from 'node:path';
import { NodeProcess, temporaryDirectory, until, untilAllSee } from '../test/actors/node/processes.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, rowOf, setupOf, writeReport } from './lib/report.ts';
import { quantileOf } from './lib/stats.ts';

const { values } = optionsOf({
  options: {
    nodes: { type: 'string', default: '3' },
    kills: { type: 'string', default: '21' },
    interval: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});
const nodes = wholeNumber('nodes', values.nodes, 2);
const kills = wholeNumber('kills', values.kills);
const intervalMs = wholeNumber('interval', values.interval, 50, 60_000);
const ends: (() => void)[] = [];
const owner = { teardown: (run: () => void) => void ends.push(run) };
const dir = temporaryDirectory(owner);
const names = Array.from({ length: nodes }, (_, i) => `n${i}`);
const cluster = new Map<string, NodeProcess>();

function start(name: string, ...more: readonly string[]): Promise<NodeProcess> {
  return NodeProcess.start(owner, ['--gossip-interval', String(intervalMs), '--data', join(dir, name), '--name', name, ...more]);
}

/** As `states` gives them. */
function expected(down: string): string {
  return names.map((name) => `${name}: ${name === down ? 'DOWN' : 'UP'}`).join(', ');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Ms from `fromMs` until all of them see the state, and until all of them by themselves at least suspect it. */
async function seenBy(
  others: readonly NodeProcess[],
  name: string,
  fromMs: number,
): Promise<{ readonly suspectedMs: number; readonly downMs: number }> {
  let suspectedMs = 0;
  return until(
    async () => {
      const views = await Promise.all(others.map(async (other) => (await other.status())?.members.find((member) => member.name === name)));
      const nowMs = performance.now() - fromMs;
      if (suspectedMs === 0 && views.every((view) => view?.isSuspected === true || view?.state === 'DOWN')) suspectedMs = nowMs;
      return views.every((view) => view?.state === 'DOWN') ? { suspectedMs, downMs: nowMs } : null;
    },
    () => `${name} is not DOWN`,
  );
}

const setup = setupOf({ nodes, kills, intervalMs, durability: 'ring state synced' });
printSetup(setup);
try {
  const first = await start('n0', '--init');
  cluster.set('n0', first);
  for (const name of names.slice(1)) cluster.set(name, await start(name, '--join', first.seed));
  await untilAllSee([...cluster.values()], expected(''));
  const down: number[] = [];
  const suspected: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    // Long enough for observers to know its rhythm; then at any point of an interval.
    await pause(intervalMs * (5 + Math.random()));
    const name = names[kill % nodes]!;
    const others = names.filter((other) => other !== name).map((other) => cluster.get(other)!);
    const fromMs = performance.now();
    await cluster.get(name)!.end('SIGKILL');
    const { suspectedMs, downMs } = await seenBy(others, name, fromMs);
    down.push(downMs / 1000);
    suspected.push(suspectedMs / 1000);
    cluster.set(name, await start(name));
    await untilAllSee([...cluster.values()], expected(''));
  }
  const p99 = quantileOf(Float64Array.from(down).sort(), 0.99);
  const rows = [
    rowOf('killed until DOWN on all others', 's', down, 'suspected by each for itself', suspected),
    rowOf('the same, p99', 's', [p99]),
  ];
  printRows(rows);
  writeReport(values.json, setup, rows);
} finally {
  for (const end of ends.reverse()) end();
}
