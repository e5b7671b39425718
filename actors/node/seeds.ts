/** Seeds: asking the nodes that a newcomer was told of who they are. */
import { ActorSystem } from '../../runtime/system.ts';
import type { HostAndPort } from './config/host-and-port.ts';
import { NodeError } from './node-error.ts';

type Answers = Awaited<ReturnType<typeof ActorSystem.probe>>;
type Iam = Extract<Answers[number], { readonly ok: true }>['iam'];

/** Who a seed is, and where its node's threads listen. */
export interface Seed {
  readonly cluster: string;
  readonly address: Iam['address'];
}

export interface SeedAnswers {
  readonly seeds: readonly Seed[];
  /** Why the others did not answer. */
  readonly failures: readonly string[];
}

/** A wiped disk is a new node for transports too, since ids are: name, and the first half of the id. */
export function transportName({ name, id }: { readonly name: string; readonly id: string }): string {
  return `${name}.${id.slice(0, 16)}`;
}

/** One answer per address of each; those of the node itself are left out. `self`: its name among transports. */
export async function askSeeds(seeds: readonly HostAndPort[], self: string): Promise<SeedAnswers> {
  const answers = (await Promise.all(seeds.map(({ host, port }) => ActorSystem.probe(host, port)))).flat();
  const found = new Map<string, Seed>();
  const failures: string[] = [];
  for (const answer of answers) {
    if (!answer.ok) failures.push(answer.message);
    else if (answer.iam.node !== self) found.set(answer.iam.node, { cluster: answer.iam.cluster, address: answer.iam.address });
  }
  return { seeds: [...found.values()], failures };
}

/** The cluster they all are of. Errors: OTHER_CLUSTER when they are of several, or of another than `expected` (empty: any). */
export function clusterOf(seeds: readonly Seed[], expected: string, path: string): string {
  const shown = (seed: Seed): string => `${seed.address.host}:${seed.address.ports[0]} is of cluster ${seed.cluster}`;
  const stranger = expected === '' ? undefined : seeds.find(({ cluster }) => cluster !== expected);
  if (stranger !== undefined)
    throw new NodeError(
      'OTHER_CLUSTER',
      `data directory ${path} belongs to cluster ${expected}, but ${shown(stranger)}: give the seeds of its own cluster, or an empty directory to join that one`,
    );
  const other = seeds.find(({ cluster }) => cluster !== seeds[0]!.cluster);
  if (other !== undefined) throw new NodeError('OTHER_CLUSTER', `seeds of two clusters: ${shown(seeds[0]!)}, ${shown(other)}`);
  return seeds[0]?.cluster ?? expected;
}

/** Whether a node of that name already runs where this one listened last. */
export async function runsAt(address: Iam['address'], self: string, cluster: string): Promise<boolean> {
  const port = address.ports[0];
  if (port === undefined) return false;
  const answers = await ActorSystem.probe(address.host, port);
  return answers.some((answer) => answer.ok && answer.iam.node === self && answer.iam.cluster === cluster);
}
