/** One of five nodes is killed (SIGKILL) under load, in `ap`: for how long clients see it. */

import { Bed, forbidden, lossesOf } from './bed.ts';
import { nowMs } from './load.ts';
import type { Report, Scenario } from './scenario.ts';
import { figuresIn, troubledMs } from './windows.ts';

const VICTIM = 'n5';
/** What nodes give a request of a Redis client, and what our client gives one by default. */
const TIMEOUT_MS = 5_000;
/** A write that was begun and not confirmed when its coordinator died: nobody can say more. */
const HONEST = ['INDETERMINATE'];
/** What clients of a node see that there is not. */
const OF_THE_DEAD = ['UNCONNECTED', 'DISCONNECTED'];

export const killOneOfFive: Scenario = {
  name: 'kill-one-of-five',
  async run(options): Promise<Report> {
    const bed = await Bed.start({ nodes: 5, hasProxies: false, modes: ['ap'], options });
    try {
      const others = bed.cluster.machines.map(({ name }) => name).filter((name) => name !== VICTIM);
      await bed.load([{ keyspace: 'bench-ap', at: [...others, VICTIM], hasOwn: true }]);
      const before = await bed.window();
      const killedMs = nowMs();
      await bed.cluster.machine(VICTIM).kill();
      await bed.window(TIMEOUT_MS * 2 - (nowMs() - killedMs));
      const during = { fromMs: killedMs, untilMs: nowMs() };
      const down = await bed.window();
      await bed.cluster.machine(VICTIM).start();
      await bed.cluster.untilWhole();
      const after = await bed.window();
      await bed.endLoad();
      const phases = { before, during, down, after };
      const restGroups = others.flatMap((name) => bed.groups(`RESP ${name}`));
      const rest = bed.rows('RESP n1 to n4', restGroups, phases);
      const own = bed.rows('client', bed.groups('client'), phases);
      const dead = bed.rows(`RESP ${VICTIM}`, bed.groups(`RESP ${VICTIM}`), phases);
      // What was under way when it died began before.
      const window = { fromMs: killedMs - TIMEOUT_MS, untilMs: after.untilMs };
      const trouble = (groups: readonly number[]): number => troubledMs(bed.samples, window, groups, TIMEOUT_MS) / 1_000;
      const slowest = (groups: readonly number[]): number => figuresIn(bed.samples, window, groups).slowestMs / 1_000;
      const all = [...rest, ...own];
      const failed = all.reduce((sum, { figures }) => sum + Object.values(figures.errors).reduce((total, count) => total + count, 0), 0);
      return {
        scenario: 'kill-one-of-five',
        described: `five nodes N=3 R=2 W=2 ap; ${VICTIM} is killed, is down, and starts again; request timeout ${TIMEOUT_MS / 1_000} s; during: the first ${(TIMEOUT_MS * 2) / 1_000} s`,
        rows: [...rest, ...own, ...dead],
        claims: [
          { what: 'from first to last error, clients of the others', value: trouble(restGroups), unit: 's', aim: TIMEOUT_MS / 1_000 },
          { what: 'from first to last error, our own client', value: trouble(bed.groups('client')), unit: 's', aim: TIMEOUT_MS / 1_000 },
          { what: 'errors of both', value: failed, unit: '', aim: null },
          { what: 'slowest answer, clients of the others', value: slowest(restGroups), unit: 's', aim: TIMEOUT_MS / 1_000 },
          { what: 'slowest answer, our own client', value: slowest(bed.groups('client')), unit: 's', aim: TIMEOUT_MS / 1_000 },
        ],
        course: bed.course(killedMs),
        faults: [
          ...forbidden(all, HONEST),
          ...forbidden(dead, [...OF_THE_DEAD, ...HONEST, 'LOADING']),
          ...lossesOf(await bed.readBack()),
          ...bed.broken,
        ],
      };
    } finally {
      await bed.stop();
    }
  },
};
