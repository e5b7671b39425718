import test from 'ava';
import { compactionActor } from '../../actors/compaction-actor.ts';
import { compactionAgent } from '../../actors/compaction-agent.ts';
import { CompactionDesk } from '../../actors/compaction-desk.ts';
import type { CompactionAgentMessage, CompactionMessage } from '../../actors/compaction-protocol.ts';
import type { Ref } from '../../runtime/ref.ts';
import { TestKit } from '../../runtime/simulation/testing.ts';
import { FLUSH, LEVEL_0, OTHER, type WorkClass, type WorkTicket } from '../../storage/compaction/scheduler.ts';
import { THROTTLE_DEFAULTS } from '../../storage/compaction/throttle-controller.ts';
import { ManualJobs, Owner } from '../storage/compaction/manual-jobs.ts';

interface Shard {
  readonly desk: CompactionDesk;
  readonly agent: Ref<CompactionAgentMessage>;
}

/** Two shards of a node, whose jobs the test ends. */
class Node {
  readonly kit = new TestKit();
  readonly jobs = new ManualJobs();
  readonly actor = this.kit.spawn(compactionActor, [{ limits: { merges: 1, flushes: 1 } }]);
  readonly shards = [this.shard(), this.shard()];

  shard(): Shard {
    const desk = new CompactionDesk(this.jobs);
    return { desk, agent: this.kit.spawn(compactionAgent, [desk, this.actor]) };
  }
  submit(shard: number, name: string, workClass: WorkClass, score = 1): { readonly owner: Owner; readonly ticket: WorkTicket } {
    const owner = new Owner(name, workClass);
    const ticket = this.shards[shard]!.desk.submit(workClass, score, owner);
    this.kit.settle();
    return { owner, ticket };
  }
  end(name: string): void {
    this.jobs.end(name);
    this.kit.settle();
  }
}

test('compaction actor: all engines of a node share its turns, the most urgent first', (t) => {
  const node = new Node();
  const { owner } = node.submit(0, 'first', OTHER);
  node.submit(0, 'low', OTHER, 1);
  node.submit(1, 'high', OTHER, 5);
  node.submit(0, 'young', LEVEL_0);
  node.submit(1, 'flush', FLUSH);
  node.submit(0, 'flush too', FLUSH);
  t.deepEqual(node.jobs.names, ['first', 'flush']);
  node.end('flush');
  t.deepEqual(node.jobs.names, ['first', 'flush too']);
  node.end('flush too');
  for (const name of ['first', 'young', 'high', 'low']) {
    t.deepEqual(node.jobs.names, [name]);
    node.end(name);
  }
  t.deepEqual(owner.outcomes, ['ok']);
});

test('compaction actor: a turn is given on, when its engine has nothing to do any more or withdraws', (t) => {
  const node = new Node();
  node.submit(0, 'first', OTHER);
  const idle = node.submit(1, 'idle', OTHER, 9);
  const gone = node.submit(1, 'gone', OTHER, 8);
  node.submit(0, 'last', OTHER);
  idle.owner.wants = false;
  gone.ticket.cancel();
  node.end('first');
  t.deepEqual(node.jobs.names, ['last']);
  t.is(idle.owner.begun, 1);
  t.is(gone.owner.begun, 0);
});

test('compaction actor: a score that has risen since counts', (t) => {
  const node = new Node();
  node.submit(0, 'first', OTHER);
  node.submit(0, 'other', OTHER, 2);
  const { ticket } = node.submit(1, 'risen', OTHER, 1);
  ticket.rescore(3);
  node.kit.settle();
  node.end('first');
  t.deepEqual(node.jobs.names, ['risen']);
});

test('compaction actor: a running job is cancelled, when its engine asks for it', (t) => {
  const node = new Node();
  const { owner, ticket } = node.submit(0, 'first', OTHER);
  node.submit(1, 'next', OTHER);
  ticket.cancel();
  node.kit.settle();
  t.deepEqual(owner.outcomes, ['JOB_CANCELLED']);
  t.deepEqual(node.jobs.names, ['next']);
});

test('compaction actor: the turns of a shard come back, when its agent ends', (t) => {
  const node = new Node();
  node.submit(0, 'lost', OTHER);
  node.submit(0, 'lost too', OTHER, 9);
  node.submit(1, 'next', OTHER);
  node.kit.stop(node.shards[0]!.agent);
  t.deepEqual(node.jobs.names, ['lost', 'next']);
});

test('compaction actor: keeps to its limits and loses nothing, when it has forgotten everything', (t) => {
  const kit = new TestKit();
  const jobs = new ManualJobs();
  const desk = new CompactionDesk(jobs);
  const silent = kit.probe<CompactionMessage>();
  const owners = ['a', 'b'].map((name) => new Owner(name, OTHER));
  // The first life of the actor: it grants one turn and ends.
  desk.connect(silent.ref, kit.probe<CompactionAgentMessage>().ref);
  for (const owner of owners) desk.submit(OTHER, 1, owner);
  desk.granted(1);
  t.deepEqual(jobs.names, ['a']);
  const actor = kit.spawn(compactionActor, [{ limits: { merges: 1, flushes: 1 } }]);
  kit.spawn(compactionAgent, [desk, actor]);
  kit.advance(3_000);
  t.deepEqual(jobs.names, ['a']);
  jobs.end('a');
  kit.settle();
  t.deepEqual(jobs.names, ['b']);
});

test('compaction actor: says again what it granted, when the agent was not told', (t) => {
  const kit = new TestKit();
  const actor = kit.spawn(compactionActor, [{ limits: { merges: 1, flushes: 1 } }]);
  const agent = kit.probe<CompactionAgentMessage>();
  const request = { requestId: 7, workClass: OTHER, score: 1 } as const;
  const load = { foregroundBytesPerSecond: 0, debtBytes: 0, latencyMs: 0 };
  kit.tell(actor, { type: 'request', agent: agent.ref, request });
  t.deepEqual(agent.take(), [{ type: 'granted', requestId: 7 }]);
  kit.tell(actor, { type: 'state', agent: agent.ref, waiting: [request], running: [], load });
  t.deepEqual(agent.take()[0], { type: 'granted', requestId: 7 });
  kit.tell(actor, { type: 'state', agent: agent.ref, waiting: [], running: [request], load });
  t.deepEqual(
    agent.take().filter(({ type }) => type === 'granted'),
    [],
  );
});

test('compaction actor: merges are slowed down while clients suffer, each to its part, and freed when there are none', (t) => {
  const node = new Node();
  node.submit(0, 'merge', OTHER);
  const [{ desk }] = node.shards as [Shard, Shard];
  desk.report('/db', { foregroundBytesPerSecond: 1e6, debtBytes: 0, latencyMs: 50 });
  node.kit.advance(60_000);
  t.is(desk.throttle[0], THROTTLE_DEFAULTS.kibMin);
  t.is(node.shards[1]!.desk.throttle[0], THROTTLE_DEFAULTS.kibMin);
  desk.forget('/db');
  node.kit.advance(3_000);
  t.is(desk.throttle[0], 0);
});
