/** `dynactor cluster`: several nodes of this machine at once, to try things out and to measure. */
import { type Command, Option } from 'commander';
import { absolutePath, coreCount } from '../../../runtime/real/host.ts';
import { readTextIfThere } from '../../../runtime/real/text-files.ts';
import { KEYSPACE_DEFAULTS } from '../../ring/keyspace-defaults.ts';
import {
  BASE_PORT_DEFAULT,
  type ClusterShape,
  NODES_DEFAULT,
  parseShape,
  planNodes,
  portProblem,
  replicasFor,
  shardsFor,
} from './cluster-plan.ts';
import { wholeNumber } from './numbers.ts';
import { type Rules, rulesOf, withReplication } from './rules.ts';

const NODES_MAX = 100;
const SHARDS_MAX = 255;

interface Given {
  readonly data: string;
  readonly nodes?: number;
  readonly shards?: number;
  readonly basePort?: number;
  readonly output: 'table' | 'json';
}

export function addClusterCommand(program: Command): void {
  const command = program
    .command('cluster')
    .description(
      'run nodes n1, n2, ... on this machine, as processes of their own, until told to stop (Ctrl-C or SIGTERM); begun again with the same --data, it goes on',
    )
    .option('--nodes <count>', `how many (default: ${NODES_DEFAULT}, or as before)`, wholeNumber(1, NODES_MAX))
    .option('--data <dir>', 'directory for the directories and logs of the nodes', 'data')
    .option(
      '--base-port <port>',
      `of node i: base + 10 (i - 1) for nodes, + 100 + i for Redis clients, + 200 + i for HTTP (default: ${BASE_PORT_DEFAULT}, or as before)`,
      wholeNumber(1, 65_535),
    )
    .option('--shards <count>', 'worker threads of each node (default: its part of the cores, or as before)', wholeNumber(1, SHARDS_MAX))
    .addOption(
      new Option('-o, --output <format>', 'the line that says that all nodes serve: for people, or as JSON')
        .choices(['table', 'json'])
        .default('table'),
    );
  withReplication(command, { n: `${KEYSPACE_DEFAULTS.n}, or as many as there are nodes` })
    .addHelpText(
      'after',
      '\nThe options from -n to --durability are rules of the keyspace `default`, which is made if it is not there. Settings of the nodes that no option here gives are taken from the environment: DYNACTOR_MEMORY and others, as of `dynactor start`.',
    )
    .action(async (given: Given) => {
      const directory = absolutePath(given.data);
      const shapeFile = `${directory}/cluster.json`;
      const shape = await shapeOf(command, given, shapeFile);
      const problem = portProblem(planNodes(shape, directory));
      if (problem !== null) return command.error(`error: ${problem}`);
      const rules = checkedRules(command, shape.nodes);
      const { runCluster } = await import('./run-cluster.ts');
      await runCluster({ directory, shapeFile, shape, rules, isJson: given.output === 'json' });
    });
}

/** As it was made, where nothing else is said; only the ports can change. */
async function shapeOf(command: Command, given: Given, path: string): Promise<ClusterShape> {
  const text = await readTextIfThere(path);
  const before = text === null ? null : parseShape(text, path);
  for (const name of ['nodes', 'shards'] as const) {
    if (before !== null && given[name] !== undefined && given[name] !== before[name])
      command.error(
        `error: ${path} says that there are ${before.nodes} nodes with ${before.shards} shards: expected --${name} ${before[name]} or none, or another --data, got ${given[name]}`,
      );
  }
  const nodes = given.nodes ?? before?.nodes ?? NODES_DEFAULT;
  const shards = given.shards ?? before?.shards ?? shardsFor(nodes, coreCount());
  return { nodes, shards, basePort: given.basePort ?? before?.basePort ?? BASE_PORT_DEFAULT };
}

/** Errors: a usage error of commander, where a number can't be met by so many nodes. */
function checkedRules(command: Command, nodes: number): Rules {
  const rules = rulesOf(command);
  const n = Number(rules.n ?? replicasFor(nodes));
  if (n > nodes) command.error(`error: -n ${n}: expected at most as many replicas as there are nodes, ${nodes}`);
  for (const name of ['r', 'w'] as const) {
    if (Number(rules[name]) > n) command.error(`error: -${name} ${rules[name]}: expected at most as many as there are replicas, ${n}`);
  }
  return rules;
}
