/** A fourth node joins three under load: what is copied, what clients of both modes see, and how evenly what there is is spread afterwards. */
import type { ReplicasAnswer } from '../../actors/node/http/keyspace-routes.ts';
import { redisTo } from '../../test/actors/node/redis-writer.ts';
import type { Machine } from '../../test/chaos/machine.ts';
import { keyText } from '../cluster/pair-format.ts';
import { Bed, forbidden, lossesOf } from './bed.ts';
import { nowMs } from './load.ts';
import type { Report, Row, Scenario } from './scenario.ts';

const NEWCOMER = 'n4';
const MODES = ['ap', 'cp'] as const;
const AT_ONCE = 500;
/** What says that nothing was done: by RESP, and of our client. */
const RETRYABLE = ['CLUSTERDOWN', 'TRYAGAIN', 'LOADING', 'QUORUM_NOT_MET', 'OVERLOADED', 'TIMED_OUT', 'UNREACHABLE', 'STALE_RING'];

export const join: Scenario = {
  name: 'join',
  async run(options): Promise<Report> {
    const bed = await Bed.start({ nodes: 3, spares: 1, hasProxies: false, modes: MODES, options });
    try {
      const at = bed.cluster.machines.map(({ name }) => name);
      await bed.load(MODES.map((mode) => ({ keyspace: `bench-${mode}`, at, hasOwn: true })));
      const before = await bed.window();
      const begunMs = nowMs();
      const newcomer = bed.cluster.machine(NEWCOMER);
      await bed.cluster.join(newcomer);
      await newcomer.process.isUp();
      await bed.cluster.untilWhole();
      const joinedMs = nowMs();
      const during = { fromMs: begunMs, untilMs: joinedMs };
      const records = await bed.metric([newcomer], 'dynactor_stream_records_total');
      const bytes = await bed.metric([newcomer], 'dynactor_stream_bytes_total');
      const after = await bed.window();
      await bed.endLoad();
      const phases = { before, during, after };
      const rowsOf = (mode: string): readonly Row[] => [
        ...bed.rows(
          `RESP ${mode}`,
          bed.groups('RESP').filter((index) => bed.groups(`bench-${mode}`).includes(index)),
          phases,
        ),
        ...bed.rows(`client ${mode}`, bed.groups(`client bench-${mode}`), phases),
      ];
      const [ap, cp] = [rowsOf('ap'), rowsOf('cp')];
      const held = await Promise.all(bed.cluster.machines.map((machine) => keysOf(machine, options.records)));
      const own = held[bed.cluster.machines.indexOf(newcomer)] ?? Number.NaN;
      const partitions = await partitionsOf(bed.cluster.machines, newcomer);
      const errors = (rows: readonly Row[]): number =>
        rows.reduce((sum, { figures }) => sum + Object.values(figures.errors).reduce((total, count) => total + count, 0), 0);
      const ratio = (rows: readonly Row[], who: string): number =>
        rows.find(({ clients, phase }) => clients.startsWith(who) && phase === 'during')?.timesBefore ?? Number.NaN;
      return {
        scenario: 'join',
        described: `three nodes N=3 R=2 W=2, keyspaces of both modes with ${options.records} records of ${options.valueBytes} B each; ${NEWCOMER} joins`,
        rows: [...ap, ...cp],
        claims: [
          { what: 'records copied, by those that it has then (the optimum)', value: records / own, unit: 'x', aim: 1.05 },
          { what: 'bytes copied', value: bytes / 1e6, unit: 'MB', aim: null },
          { what: 'of a record, by those of key and value', value: bytes / records / (16 + options.valueBytes), unit: 'x', aim: null },
          { what: 'from its start until it is a member like the others', value: (joinedMs - begunMs) / 1_000, unit: 's', aim: null },
          { what: 'errors in ap', value: errors(ap), unit: '', aim: 0 },
          { what: 'errors in cp, all of them retryable', value: errors(cp), unit: '', aim: null },
          { what: 'p99, RESP ap', value: ratio(ap, 'RESP'), unit: 'x', aim: 2 },
          { what: 'p99, RESP cp', value: ratio(cp, 'RESP'), unit: 'x', aim: 2 },
          { what: 'p99, our own client, ap', value: ratio(ap, 'client'), unit: 'x', aim: 2 },
          { what: 'p99, our own client, cp', value: ratio(cp, 'client'), unit: 'x', aim: 2 },
          { what: 'partitions of a node, most by mean', value: imbalance(partitions), unit: 'x', aim: 1.05 },
          { what: 'keys of a node, most by mean', value: imbalance(held), unit: 'x', aim: null },
        ],
        course: bed.course(begunMs),
        faults: [...forbidden(ap, []), ...forbidden(cp, RETRYABLE), ...lossesOf(await bed.readBack()), ...bed.broken],
      };
    } finally {
      await bed.stop();
    }
  },
};

/** How many keys of both keyspaces its own replicas have. */
async function keysOf({ respPort }: Machine, records: number): Promise<number> {
  let held = 0;
  for (const mode of MODES) {
    const redis = redisTo(respPort);
    await redis.call('KEYSPACE', ['USE', `bench-${mode}`]);
    for (let key = 0; key < records; key += AT_ONCE) {
      const keys = Array.from({ length: Math.min(AT_ONCE, records - key) }, (_, i) => keyText(key + i));
      const found = await Promise.all(keys.map((name) => redis.call('KV.GET', name, 'LOCAL') as Promise<readonly unknown[]>));
      // As RESP2 has maps: context, its value, values, all of them, and so on.
      held += found.filter((map) => (map[3] as readonly unknown[]).length > 0).length;
    }
    redis.disconnect();
  }
  return held;
}

/** Replicas of each member, of both keyspaces alike. */
async function partitionsOf(machines: readonly Machine[], asked: Machine): Promise<readonly number[]> {
  const answer = (await (await asked.process.get('/v1/keyspaces/bench-ap/replicas')).json()) as ReplicasAnswer;
  return machines.map(({ name }) => answer.partitions.filter(({ replicas }) => replicas.includes(name)).length);
}

function imbalance(counts: readonly number[]): number {
  return (Math.max(...counts) * counts.length) / counts.reduce((sum, count) => sum + count, 0);
}
