/**
 * What `dynactor cluster` starts: nodes n1, n2, ... of one machine, and where each listens.
 *
 * ```
 * base + 10 * (i - 1)   main thread of node i; its shards behind that, as everywhere
 * base + 100 + i        Redis clients
 * base + 200 + i        HTTP
 * ```
 */

import { KEYSPACE_DEFAULTS } from '../../ring/keyspace-defaults.ts';

export const LOOPBACK = '127.0.0.1';
export const BASE_PORT_DEFAULT = 7_000;
export const NODES_DEFAULT = 3;
const NODE_STRIDE = 10;
const RESP_OFFSET = 100;
const HTTP_OFFSET = 200;
const PORT_MAX = 65_535;
const SHARDS_DEFAULT_MAX = 8;
const HELPERS_DEFAULT = 4;

/** What the first start of a cluster fixes, and later ones go by. */
export interface ClusterShape {
  readonly nodes: number;
  /** Of each node. */
  readonly shards: number;
  readonly basePort: number;
}

export interface PlannedNode {
  readonly name: string;
  readonly directory: string;
  readonly log: string;
  readonly port: number;
  readonly shards: number;
  readonly respPort: number;
  readonly httpPort: number;
}

/** Of the machine's cores, those that the main threads leave. */
export function shardsFor(nodes: number, cores: number): number {
  return Math.max(1, Math.min(SHARDS_DEFAULT_MAX, Math.floor((cores - 1) / nodes)));
}

/** Threads of a node on which V8 compiles and collects beside those that serve: its part of the cores, and no more than Node gives a process. */
export function helpersFor(nodes: number, cores: number): number {
  return Math.max(1, Math.min(HELPERS_DEFAULT, Math.floor(cores / nodes)));
}

/** n of a keyspace that says nothing else: so that writes can reach their quorum. */
export function replicasFor(nodes: number): number {
  return Math.min(KEYSPACE_DEFAULTS.n, nodes);
}

/** `directory`: of the whole cluster. */
export function planNodes({ nodes, shards, basePort }: ClusterShape, directory: string): readonly PlannedNode[] {
  return Array.from({ length: nodes }, (_, index) => {
    const name = `n${index + 1}`;
    return {
      ...{ name, directory: `${directory}/${name}`, log: `${directory}/${name}.log`, shards },
      port: basePort + NODE_STRIDE * index,
      respPort: basePort + RESP_OFFSET + index + 1,
      httpPort: basePort + HTTP_OFFSET + index + 1,
    };
  });
}

interface Use {
  readonly port: number;
  readonly by: string;
}

/** Every port of these nodes, and who listens there. */
export function portsOf(nodes: readonly PlannedNode[]): readonly Use[] {
  return nodes.flatMap(({ name, port, shards, respPort, httpPort }) => [
    { port, by: `${name}, main thread` },
    ...Array.from({ length: shards }, (_, shard) => ({ port: port + 1 + shard, by: `${name}, shard ${shard}` })),
    { port: respPort, by: `${name}, Redis clients` },
    { port: httpPort, by: `${name}, HTTP` },
  ]);
}

/** Why these can't all listen; null: they can. */
export function portProblem(nodes: readonly PlannedNode[]): string | null {
  const users = new Map<number, string>();
  for (const { port, by } of portsOf(nodes)) {
    if (port > PORT_MAX) return `port ${port} (${by}) is none: expected a lower --base-port`;
    const other = users.get(port);
    if (other !== undefined) {
      const shards = NODE_STRIDE - 1;
      return `port ${port} would be used twice (${other}; ${by}): expected at most ${RESP_OFFSET / NODE_STRIDE} nodes with at most ${shards} shards each`;
    }
    users.set(port, by);
  }
  return null;
}

/** Arguments of `dynactor start`. `seed`: null for the first node. */
export function startArguments(node: PlannedNode, seed: PlannedNode | null): readonly string[] {
  return [
    ...['start', '--name', node.name, '--data', node.directory, '--shards', String(node.shards)],
    ...['--host', LOOPBACK, '--port', String(node.port)],
    ...['--resp-host', LOOPBACK, '--resp-port', String(node.respPort)],
    ...['--http-host', LOOPBACK, '--http-port', String(node.httpPort)],
    ...(seed === null ? ['--init'] : ['--join', `${LOOPBACK}:${seed.port}`]),
  ];
}

/** Settings that each node has of its own, or that the plan fixes. */
const PLANNED = /^DYNACTOR_(?:NAME|DATA|HOST|PORT|ADVERTISE|HTTP__\w+|RESP__HOST|RESP__PORT|INIT|JOIN|REPLACE|SHARDS|URL)$/;
/** Threads for calls to disks: the log of each shard may be syncing while all others read. */
const DISK_THREADS_BASE = 4;
const DISK_THREADS_PER_SHARD = 4;
const HELPERS_OPTION = /--v8[-_]pool[-_]size\b/;

/**
 * Environment of a node: that of this process, but for what the plan says. Settings that are the same for all nodes can be given in it, and options of Node.
 *
 * `helpers`: threads for V8 to help itself. Why so few: Node gives each process four, whatever there is of cores. Those of a node that starts then compile with all their
 * might on the cores on which the others serve. Figures in bench/README.md.
 */
export function nodeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  { shards }: Pick<PlannedNode, 'shards'>,
  helpers: number,
): Readonly<Record<string, string | undefined>> {
  const threads = String(DISK_THREADS_BASE + DISK_THREADS_PER_SHARD * shards);
  const { NODE_OPTIONS = '', ...kept } = Object.fromEntries(Object.entries(environment).filter(([name]) => !PLANNED.test(name)));
  const options = HELPERS_OPTION.test(NODE_OPTIONS) ? NODE_OPTIONS : `${NODE_OPTIONS} --v8-pool-size=${helpers}`.trim();
  return { UV_THREADPOOL_SIZE: threads, ...kept, NODE_OPTIONS: options };
}

/** The shape that a first start has recorded. Errors: it is not one, with the path. */
export function parseShape(text: string, path: string): ClusterShape {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = null;
  }
  const { version, nodes, shards, basePort } = (found ?? {}) as Readonly<Record<string, unknown>>;
  const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1;
  if (version !== 1 || !isCount(nodes) || !isCount(shards) || !isCount(basePort))
    throw new Error(`${path}: expected {"version":1,"nodes","shards","basePort"}, got ${JSON.stringify(text.slice(0, 200))}`);
  return { nodes, shards, basePort };
}

export function formatShape({ nodes, shards, basePort }: ClusterShape): string {
  return `${JSON.stringify({ version: 1, nodes, shards, basePort })}\n`;
}
