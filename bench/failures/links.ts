/** Scenarios of links: a control in which nothing happens, and a replica whose links are slow. */
import { Bed, forbidden, lossesOf } from './bed.ts';
import type { Report, Row, Scenario, ScenarioOptions } from './scenario.ts';

const SLOW_MS = 200;
const SLOW_NODE = 'n3';
/** For the news of it, and for what is late because of it. */
const PASS_MS = 2_000;

export const control: Scenario = { name: 'control', run: (options) => runLinks('control', options, 0) };
export const slowReplica: Scenario = { name: 'slow-replica', run: (options) => runLinks('slow-replica', options, SLOW_MS) };

async function runLinks(scenario: string, options: ScenarioOptions, delayMs: number): Promise<Report> {
  const bed = await Bed.start({ nodes: 3, hasProxies: true, modes: ['ap'], options });
  try {
    await bed.load([{ keyspace: 'bench-ap', at: ['n1', 'n2', SLOW_NODE], hasOwn: true }]);
    const before = await bed.window();
    for (const { name } of bed.cluster.machines) {
      if (name === SLOW_NODE) continue;
      bed.cluster.links.set(name, SLOW_NODE, { delayMs });
      bed.cluster.links.set(SLOW_NODE, name, { delayMs });
    }
    const during = await bed.window();
    bed.cluster.links.heal();
    await bed.window(PASS_MS);
    const after = await bed.window();
    await bed.endLoad();
    const phases = { before, during, after };
    const others = bed.rows('RESP n1 n2', [...bed.groups('RESP n1'), ...bed.groups('RESP n2')], phases);
    const rows = [
      ...others,
      ...bed.rows(`RESP ${SLOW_NODE}`, bed.groups(`RESP ${SLOW_NODE}`), phases),
      ...bed.rows('client', bed.groups('client'), phases),
    ];
    const readBack = await bed.readBack();
    return {
      scenario,
      described:
        delayMs === 0
          ? 'three nodes N=3 R=2 W=2 ap through proxies; nothing happens'
          : `three nodes N=3 R=2 W=2 ap; bytes between ${SLOW_NODE} and the others take ${delayMs} ms longer, each way; links of clients stay quick`,
      rows,
      claims: claimsOf(others, rows, delayMs === 0 ? null : 1.2),
      course: bed.course(during.fromMs),
      faults: [...forbidden(rows, []), ...lossesOf(readBack), ...bed.broken],
    };
  } finally {
    await bed.stop();
  }
}

function claimsOf(others: readonly Row[], rows: readonly Row[], aim: number | null): Report['claims'] {
  const ratioOf = (found: readonly Row[]): number => found.find(({ phase }) => phase === 'during')?.timesBefore ?? Number.NaN;
  return [
    { what: 'p99, clients of the other nodes', value: ratioOf(others), unit: 'x', aim },
    {
      what: `p99, clients of ${SLOW_NODE}`,
      value: ratioOf(rows.filter(({ clients }) => clients === `RESP ${SLOW_NODE}`)),
      unit: 'x',
      aim: null,
    },
    {
      what: 'p99, our own client, which may ask any',
      value: ratioOf(rows.filter(({ clients }) => clients === 'client')),
      unit: 'x',
      aim: null,
    },
    { what: 'reads of what was replaced', value: rows.reduce((sum, { figures }) => sum + figures.stale, 0), unit: '', aim: 0 },
  ];
}
