/** `dynactor cluster` from its plan to the signal that ends it. */
import { errorMessage } from '../../../runtime/errors.ts';
import { modulePath } from '../../../runtime/real/modules.ts';
import { takenPorts } from '../../../runtime/real/ports.ts';
import { makeDirectory, replaceText } from '../../../runtime/real/text-files.ts';
import { DEFAULT_KEYSPACE } from '../../ring/keyspace-defaults.ts';
import { type ClusterShape, formatShape, LOOPBACK, type PlannedNode, planNodes, portsOf } from './cluster-plan.ts';
import { LocalCluster } from './local-cluster.ts';
import type { Rules } from './rules.ts';

export interface ClusterOptions {
  /** Absolute. */
  readonly directory: string;
  /** Where the shape is kept for later starts. */
  readonly shapeFile: string;
  readonly shape: ClusterShape;
  readonly rules: Rules;
  readonly isJson: boolean;
}

/** Resolves when all has ended as it was told to. Errors: what keeps it from starting, and nothing runs then; all nodes have ended by themselves. */
export async function runCluster({ directory, shapeFile, shape, rules, isJson }: ClusterOptions): Promise<void> {
  // What it says there is for people; that they have stopped listening is no reason to end.
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  const nodes = planNodes(shape, directory);
  await checkPorts(nodes);
  await makeDirectory(directory);
  const cluster = new LocalCluster(nodes, { script: modulePath('cli'), environment: process.env, say });
  const told = untilToldToStop(() => cluster.kill());
  const running = run(cluster, nodes, () => replaceText(shapeFile, formatShape(shape)), { rules, isJson });
  const error = await Promise.race([running.catch((reason: unknown) => reason ?? new Error('unknown')), told]);
  await cluster.stop();
  if (error !== undefined) throw error instanceof Error ? error : new Error(errorMessage(error));
}

/** Rejects when it can't start, or when all nodes have ended. */
async function run(
  cluster: LocalCluster,
  nodes: readonly PlannedNode[],
  began: () => Promise<void>,
  { rules, isJson }: Pick<ClusterOptions, 'rules' | 'isJson'>,
): Promise<never> {
  say(`starting ${nodes.length} node${nodes.length === 1 ? '' : 's'}; logs: ${nodes.map(({ log }) => log).join(', ')}`);
  await cluster.startFirst();
  await began();
  await cluster.startOthers(rules);
  process.stdout.write(`${isJson ? readyJson(nodes, cluster.pids) : readyLine(nodes)}\n`);
  await cluster.untilEnded();
  throw new Error('all nodes have ended');
}

/** Errors: the first that can't be used. */
async function checkPorts(nodes: readonly PlannedNode[]): Promise<void> {
  const uses = portsOf(nodes);
  const taken = await takenPorts(
    LOOPBACK,
    uses.map(({ port }) => port),
  );
  const [first] = uses.filter(({ port }) => taken.has(port));
  if (first !== undefined)
    throw new Error(`cannot listen on ${LOOPBACK}:${first.port} (${first.by}): ${taken.get(first.port)}; --base-port chooses others`);
}

function readyLine(nodes: readonly PlannedNode[]): string {
  const all = (port: (node: PlannedNode) => number): string => `${LOOPBACK}:${nodes.map(port).join(',')}`;
  return `dynactor: ready; Redis clients ${all(({ respPort }) => respPort)}, seeds ${all(({ port }) => port)}, HTTP ${all(({ httpPort }) => httpPort)}; stop with Ctrl-C`;
}

function readyJson(nodes: readonly PlannedNode[], pids: readonly number[]): string {
  return JSON.stringify({
    ready: true,
    keyspace: DEFAULT_KEYSPACE,
    nodes: nodes.map((node, i) => ({ ...node, host: LOOPBACK, pid: pids[i] })),
  });
}

/** SIGINT or SIGTERM; `again` is called for the second one. */
function untilToldToStop(again: () => void): Promise<void> {
  return new Promise((resolve) => {
    let isTold = false;
    const onSignal = (): void => {
      if (isTold) again();
      isTold = true;
      resolve();
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  });
}

function say(text: string): void {
  process.stderr.write(`${text.replaceAll(/^(?! )/gm, 'dynactor: ')}\n`);
}
