import test from 'ava';
import { figuresBetween, lookOf } from '../../../bench/cluster/node-figures.ts';

const node = (cpu: number, gc: number, late: number): string => `# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total ${cpu}
dynactor_gc_seconds_total{shard="main"} ${gc}
dynactor_gc_seconds_total{shard="0"} ${gc}
dynactor_gc_pause_max_seconds{shard="0"} 0.004
nodejs_eventloop_lag_p99_seconds{shard="main"} ${late}
nodejs_eventloop_lag_p99_seconds{shard="0"} 9
nodejs_eventloop_lag_max_seconds{shard="main"} ${late * 2}
dynactor_requests_total{shard="0",kind="get",status="ok"} ${cpu * 100}
dynactor_replicas{shard="0",figure="flushes"} 2
dynactor_replicas{shard="0",figure="merges"} 1
dynactor_replicas{shard="0",figure="inlineReads"} ${cpu * 10}
dynactor_replicas{shard="0",figure="asyncReads"} ${cpu * 5}
`;

test('bench nodes: sums of all nodes, of delays and pauses the worst, and of the main thread alone', (t) => {
  const begun = lookOf([node(1, 0.01, 0.5), node(1, 0.01, 0.5)]);
  const ended = lookOf([node(2, 0.02, 0.001), node(3, 0.05, 0.002)]);
  const { gcShare, fileReads, ...figures } = figuresBetween(begun, ended, 1.5);
  t.deepEqual(figures, { gcPauseMaxMs: 4, mainDelayP99Ms: 2, mainDelayMaxMs: 4, idleDelayP99Ms: 1.5, flushes: 0, merges: 0 });
  t.true(Math.abs(gcShare! - 0.1 / 3) < 1e-9);
  t.true(Math.abs(fileReads! - 0.15) < 1e-9);
});

test('bench nodes: nothing is known of peers', (t) => {
  t.true(Object.values(figuresBetween(null, null, 1)).every((figure) => figure === null));
});
