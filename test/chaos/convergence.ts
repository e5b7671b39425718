/** Whether all replicas of a key hold the same, each asked for what it has itself (KV.GET key LOCAL). */
import type { ChaosCluster } from './cluster.ts';
import { type Shown, shownIn } from './register-workload.ts';
import { RespClient } from './resp-client.ts';

export interface Difference {
  readonly key: string;
  /** Each replica that was asked, and what it has. */
  readonly lines: readonly string[];
}

const TIMEOUT_MS = 10_000;
/** Asked for at a time, of each node. */
const PAGE = 64;

/**
 * Returns the keys on which replicas differ. Who has no replica has nothing, so of more nodes than `replicas` some may, as long as `replicas` have the same. Context: the version vector with
 * counters and stamps; so equal ones with equal values are equal records, but for which dot is which value's. Errors: a node does not answer.
 */
export async function differences(
  cluster: ChaosCluster,
  keyspace: string,
  keys: readonly string[],
  replicas: number,
): Promise<readonly Difference[]> {
  const held = await Promise.all(cluster.machines.map(({ respPort }) => heldBy(respPort, keyspace, keys)));
  return keys.flatMap((key, index): readonly Difference[] => {
    const shown = held.map((all) => all[index]!);
    const holders = shown.filter((it) => it.values.length > 0 || it.tombstones > 0);
    const texts = new Set(holders.map(textOf));
    const isSame = holders.length === 0 || (texts.size === 1 && holders.length >= replicas);
    return isSame ? [] : [{ key, lines: shown.map((it, node) => `${cluster.machines[node]!.name} has ${textOf(it)}`) }];
  });
}

async function heldBy(port: number, keyspace: string, keys: readonly string[]): Promise<readonly Shown[]> {
  const client = new RespClient(() => [port], keyspace, TIMEOUT_MS, 0);
  const held: Shown[] = [];
  for (let i = 0; i < keys.length; i += PAGE) {
    // The first connects, alone.
    const page = keys.slice(i, i + PAGE);
    const first = await client.ask('KV.GET', page[0]!, 'LOCAL');
    const others = await Promise.all(page.slice(1).map((key) => client.ask('KV.GET', key, 'LOCAL')));
    for (const told of [first, ...others]) {
      if (told.outcome !== 'ok') throw new Error(`node at port ${port} does not say what it has: ${told.code}`);
      held.push(shownIn(told.reply));
    }
  }
  client.close();
  return held;
}

function textOf({ context, values, tombstones }: Shown): string {
  return `[${[...values].sort().join(', ')}], ${tombstones} tombstones, ${context}`;
}
