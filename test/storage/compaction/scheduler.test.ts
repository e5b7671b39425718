import test from 'ava';
import { FLUSH, JobScheduler, LEVEL_0, OTHER, type WorkClass, type WorkTicket } from '../../../storage/compaction/scheduler.ts';
import { ManualJobs, Owner } from './manual-jobs.ts';

class Rig {
  readonly jobs = new ManualJobs();
  readonly tasks: (() => void)[] = [];
  readonly scheduler = new JobScheduler({ jobs: this.jobs, soon: (task) => this.tasks.push(task), mergesMax: 1, flushesMax: 1 });

  submit(name: string, workClass: WorkClass, score = 1): { readonly owner: Owner; readonly ticket: WorkTicket } {
    const owner = new Owner(name, workClass);
    return { owner, ticket: this.scheduler.submit(workClass, score, owner) };
  }
  settle(): void {
    for (let task = this.tasks.shift(); task !== undefined; task = this.tasks.shift()) task();
  }
}

test('scheduler: nothing begins within the call that submits it', (t) => {
  const rig = new Rig();
  const { owner } = rig.submit('a', FLUSH);
  t.is(owner.begun, 0);
  rig.settle();
  t.is(owner.begun, 1);
});

test('scheduler: flushes have turns of their own, level 0 goes before other merges, then the highest score', (t) => {
  const rig = new Rig();
  rig.submit('low', OTHER, 1);
  rig.submit('high', OTHER, 5);
  rig.submit('young', LEVEL_0, 1);
  rig.submit('flush', FLUSH);
  rig.settle();
  const order: string[] = [];
  t.deepEqual(rig.jobs.names, ['flush', 'young']);
  t.deepEqual(
    rig.jobs.running.map(({ priority }) => priority),
    [FLUSH, LEVEL_0],
  );
  rig.jobs.end('flush');
  while (rig.jobs.names.length > 0) {
    const [name] = rig.jobs.names;
    order.push(name!);
    rig.jobs.end(name!);
    rig.settle();
  }
  t.deepEqual(order, ['young', 'high', 'low']);
});

test('scheduler: a new score counts, when the turn comes', (t) => {
  const rig = new Rig();
  rig.submit('a', OTHER, 2);
  const { ticket } = rig.submit('b', OTHER, 1);
  ticket.rescore(3);
  rig.settle();
  t.deepEqual(rig.jobs.names, ['b']);
});

test('scheduler: the turn goes to the next, when nothing is due any more', (t) => {
  const rig = new Rig();
  const idle = rig.submit('idle', OTHER, 9);
  idle.owner.wants = false;
  rig.submit('next', OTHER);
  rig.settle();
  t.deepEqual(rig.jobs.names, ['next']);
  t.deepEqual(idle.owner.outcomes, []);
});

test('scheduler: a request is withdrawn silently before its turn, and its job cancelled later', (t) => {
  const rig = new Rig();
  const running = rig.submit('running', OTHER);
  const waiting = rig.submit('waiting', OTHER);
  rig.settle();
  waiting.ticket.cancel();
  running.ticket.cancel();
  rig.settle();
  t.deepEqual(rig.jobs.names, []);
  t.deepEqual([running.owner.outcomes, waiting.owner.outcomes, waiting.owner.begun], [['JOB_CANCELLED'], [], 0]);
});
