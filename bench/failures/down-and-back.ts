/** One of three nodes is down for a while under load, and comes back: when it has all again, and what clients see meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RepairAnswer } from '../../actors/node/http/repair-routes.ts';
import { runCli } from '../../test/actors/node/processes.ts';
import { shown } from '../../test/chaos/machine.ts';
import { Bed, forbidden, lossesOf } from './bed.ts';
import { nowMs } from './load.ts';
import type { Report, Row, Scenario } from './scenario.ts';

const VICTIM = 'n3';
const LOOK_MS = 200;
const PATIENCE_MS = 600_000;
/** Clients of a node that is killed are told of no more than that. */
const HONEST = ['INDETERMINATE'];

export const downAndBack: Scenario = {
  name: 'down-and-back',
  async run(options): Promise<Report> {
    const bed = await Bed.start({ nodes: 3, hasProxies: false, modes: ['ap'], options });
    try {
      const others = bed.cluster.machines.filter(({ name }) => name !== VICTIM);
      await bed.load([{ keyspace: 'bench-ap', at: others.map(({ name }) => name), hasOwn: true }]);
      const before = await bed.window();
      const killedMs = nowMs();
      await bed.cluster.machine(VICTIM).kill();
      const down = { fromMs: killedMs, untilMs: (await bed.window(options.downMs)).untilMs };
      const held = await bed.metric(others, 'dynactor_replicas', 'figure="hints"');
      const startedMs = nowMs();
      await bed.cluster.machine(VICTIM).start();
      await bed.cluster.machine(VICTIM).process.isReady();
      const readyMs = nowMs();
      await untilHandedOver(bed);
      const handedMs = nowMs();
      const back = { fromMs: startedMs, untilMs: Math.max(handedMs, startedMs + options.windowMs) };
      await bed.window(Math.max(0, back.untilMs - nowMs()));
      const after = await bed.window();
      await bed.endLoad();
      const begunMs = nowMs();
      let differing = 0;
      for (const { name, process } of bed.cluster.machines) {
        const args = ['--dry-run', '--keyspace', 'bench-ap', '-o', 'json', '--http-port', process.httpPort];
        const ended = await runCli(bed.cluster, ['repair', ...args]);
        if (ended.code !== 0) throw new Error(`repair --dry-run of ${name}: ${shown(ended)}`);
        differing += (JSON.parse(ended.out) as RepairAnswer).differing;
      }
      const phases = { before, down, back, after };
      const rows = [...bed.rows('RESP n1 n2', bed.groups('RESP'), phases), ...bed.rows('client', bed.groups('client'), phases)];
      const handed = await bed.metric(bed.cluster.machines, 'dynactor_replicas', 'figure="hintsHandedOver"');
      return {
        scenario: 'down-and-back',
        described: `three nodes N=3 R=2 W=2 ap; ${VICTIM} is killed, down for ${options.downMs / 1_000} s, and starts again; clients of the others`,
        rows,
        claims: [
          ...['down', 'back', 'after'].map((phase) => ({ what: `p99 ${phase}`, value: worst(rows, phase), unit: 'x', aim: 2 })),
          { what: 'hints held when it starts', value: held, unit: '', aim: null },
          { what: 'hints handed over', value: handed, unit: '', aim: null },
          { what: 'from its start until it takes requests', value: (readyMs - startedMs) / 1_000, unit: 's', aim: null },
          { what: 'from its start until no hint and no mark is left', value: (handedMs - startedMs) / 1_000, unit: 's', aim: null },
          { what: 'keys on which replicas differ then, without any repair', value: differing, unit: '', aim: 0 },
          { what: 'to find that out, by comparing all', value: (nowMs() - begunMs) / 1_000, unit: 's', aim: null },
        ],
        course: bed.course(startedMs),
        faults: [...forbidden(rows, HONEST), ...lossesOf(await bed.readBack()), ...bed.broken],
      };
    } finally {
      await bed.stop();
    }
  },
};

async function untilHandedOver(bed: Bed): Promise<void> {
  for (const untilMs = nowMs() + PATIENCE_MS; nowMs() < untilMs; await sleep(LOOK_MS)) {
    const hints = await bed.metric(bed.cluster.machines, 'dynactor_replicas', 'figure="hints"');
    const marks = await bed.metric(bed.cluster.machines, 'dynactor_replicas', 'figure="dirtyMarks"');
    if (hints === 0 && marks === 0) return;
  }
  throw new Error(`hints are not handed over within ${PATIENCE_MS / 1_000} s`);
}

/** The greatest of all clients. */
function worst(rows: readonly Row[], phase: string): number {
  return Math.max(...rows.filter((row) => row.phase === phase).map(({ timesBefore }) => timesBefore ?? Number.NaN));
}
