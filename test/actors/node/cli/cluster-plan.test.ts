import test, { type ExecutionContext } from 'ava';
import {
  type ClusterShape,
  formatShape,
  helpersFor,
  nodeEnvironment,
  parseShape,
  planNodes,
  portProblem,
  portsOf,
  shardsFor,
  startArguments,
} from '../../../../actors/node/cli/cluster-plan.ts';

const THREE: ClusterShape = { nodes: 3, shards: 2, basePort: 7_000 };

test('cluster plan: each node has its ports, directory and log', (t) => {
  t.deepEqual(planNodes(THREE, '/d')[1], {
    ...{ name: 'n2', directory: '/d/n2', log: '/d/n2.log', shards: 2 },
    ...{ port: 7_010, respPort: 7_102, httpPort: 7_202 },
  });
  const ports = portsOf(planNodes(THREE, '/d')).map(({ port }) => port);
  t.deepEqual(ports, [7_000, 7_001, 7_002, 7_101, 7_201, 7_010, 7_011, 7_012, 7_102, 7_202, 7_020, 7_021, 7_022, 7_103, 7_203]);
});

const fits = test.macro((t: ExecutionContext, shape: Partial<ClusterShape>, problem: RegExp | null) => {
  const found = portProblem(planNodes({ ...THREE, ...shape }, '/d'));
  if (problem === null) t.is(found, null);
  else t.regex(found ?? '', problem);
});

test('cluster plan: ports are apart, when there are 8 shards', fits, { shards: 8 }, null);
test('cluster plan: ports are apart, when there are as many nodes and shards as there may be', fits, { nodes: 10, shards: 9 }, null);
test(
  'cluster plan: a port that two would use is named with both, when there are too many shards',
  fits,
  { shards: 10 },
  /^port 7010 would be used twice \(n1, shard 9; n2, main thread\): expected at most 10 nodes with at most 9 shards each$/,
);
test(
  'cluster plan: a port that two would use is named with both, when there are too many nodes',
  fits,
  { nodes: 11, shards: 1 },
  /^port 7101 would be used twice \(n1, Redis clients; n11, shard 0\)/,
);
test('cluster plan: the last port there is can be used', fits, { basePort: 65_535 - 203 }, null);
test(
  'cluster plan: a port beyond the last is named',
  fits,
  { basePort: 65_535 - 202 },
  /^port 65536 \(n3, HTTP\) is none: expected a lower --base-port$/,
);

test('cluster plan: the first node makes the cluster, the others join it', (t) => {
  const [first, second] = planNodes(THREE, '/d');
  const of = (args: readonly string[], name: string): string | undefined => args[args.indexOf(name) + 1];
  const init = startArguments(first!, null);
  t.true(init.includes('--init'));
  t.false(init.includes('--join'));
  const join = startArguments(second!, first!);
  t.false(join.includes('--init'));
  t.is(of(join, '--join'), '127.0.0.1:7000');
  t.is(of(join, '--resp-port'), '7102');
});

test('cluster plan: nodes share the cores that the main threads leave', (t) => {
  t.deepEqual(
    [1, 2, 4, 16, 64].map((cores) => shardsFor(3, cores)),
    [1, 1, 1, 5, 8],
  );
});

test('cluster plan: settings of all nodes come from the environment, those of one do not, and disks have threads', (t) => {
  const [node] = planNodes(THREE, '/d');
  const given = {
    PATH: '/bin',
    DYNACTOR_MEMORY: '64',
    DYNACTOR_PORT: '1',
    DYNACTOR_HTTP__PORT: '2',
    DYNACTOR_JOIN: 'a:1',
    DYNACTOR_RESP__PORT: '3',
  };
  const added = { UV_THREADPOOL_SIZE: '12', NODE_OPTIONS: '--v8-pool-size=3' };
  t.deepEqual(nodeEnvironment(given, node!, 3), { PATH: '/bin', DYNACTOR_MEMORY: '64', ...added });
  t.is(nodeEnvironment({ UV_THREADPOOL_SIZE: '7' }, node!, 3).UV_THREADPOOL_SIZE, '7');
});

test("cluster plan: V8 helps itself with the node's part of the cores, unless the options of Node say otherwise", (t) => {
  t.deepEqual(
    [1, 2, 6, 11, 64].map((cores) => helpersFor(3, cores)),
    [1, 1, 2, 3, 4],
  );
  const [node] = planNodes(THREE, '/d');
  const optionsWith = (options: string): string | undefined => nodeEnvironment({ NODE_OPTIONS: options }, node!, 2).NODE_OPTIONS;
  t.is(optionsWith('--no-warnings'), '--no-warnings --v8-pool-size=2');
  for (const said of ['--v8-pool-size=7', '--no-warnings --v8-pool-size 7', '--v8_pool_size=7']) t.is(optionsWith(said), said);
});

test('cluster plan: a shape is read back as it was written', (t) => {
  t.deepEqual(parseShape(formatShape(THREE), 'f'), THREE);
});

for (const text of [
  '',
  'null',
  '{',
  '{"version":2,"nodes":3,"shards":2,"basePort":7000}',
  '{"version":1,"nodes":0,"shards":2,"basePort":7000}',
  '[]',
]) {
  test(`cluster plan: a file with no shape in it is refused, when it has ${JSON.stringify(text)}`, (t) => {
    t.throws(() => parseShape(text, '/d/cluster.json'), { message: /^\/d\/cluster\.json: expected \{"version":1,.*, got / });
  });
}
