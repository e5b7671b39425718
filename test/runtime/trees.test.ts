/** Random trees of actors under random supervision, with random things happening to them: what must hold at every moment, and at the end. */
import { fc, testProp } from '@fast-check/ava';
import type { ExecutionContext } from 'ava';
import type { OverflowPolicy } from '../../runtime/actor.ts';
import type { Cell } from '../../runtime/cell.ts';
import { ENDED } from '../../runtime/cell-state.ts';
import { LANE_COUNT, type Lane, SYSTEM } from '../../runtime/lanes.ts';
import { ENVELOPE } from '../../runtime/ring.ts';
import type { SupervisionScope } from '../../runtime/supervision.ts';
import { type Asked, ask, type Context, Driver } from '../helpers/driver.ts';
import { type Shard, World } from '../helpers/world.ts';

const CAPACITY = 6;
const MEMBERS_MAX = 40;

/** Thrown by actors: says what their supervisor is to do. */
class Failure extends Error {
  readonly directive: unknown;

  constructor(directive: unknown) {
    super('planned');
    this.directive = directive;
  }
}

interface Spawn {
  readonly scope: SupervisionScope;
  readonly overflow: OverflowPolicy;
  readonly backoffMs: number;
  readonly throughput: number;
  /** Its factory fails so many times. */
  readonly failsInCreate: number;
  readonly throwsInStopped: boolean;
}

/** An actor of the tree, and what it awaits. */
class Member {
  readonly driver: Driver;
  readonly watches = new Map<Member, number>();
  readonly children: Member[] = [];
  asked = 0;
  outcomes = 0;
  restarts = 0;

  constructor(
    t: ExecutionContext,
    members: Member[],
    place: Shard['runtime'] | Context,
    { scope, overflow, backoffMs, throughput, failsInCreate, throwsInStopped }: Spawn,
  ) {
    let failures = failsInCreate;
    this.driver = new Driver(place, {
      throughput,
      mailbox: { capacity: CAPACITY, overflow },
      supervision: {
        scope,
        restartsMax: 3,
        windowMs: 1000,
        backoff: { minMs: backoffMs },
        decide: (error) => (error as Failure).directive as 'stop',
      },
      create: () => {
        if (failures-- > 0) throw new Failure('restart');
      },
      receive: (message, context) => {
        if (message === 'outcome') this.outcomes++;
        else if (message === 'stash') context.stash();
        else if (message === 'unstash') context.unstashAll();
        else if (typeof message === 'object' && message !== null && 'replyTo' in message) (message.replyTo as Driver['ref']).tell('answer');
      },
      signal: (signal) => {
        if (signal.type !== 'terminated') return;
        const watched = members.find(({ driver }) => driver.ref === signal.ref);
        const open = watched === undefined ? undefined : this.watches.get(watched);
        t.is(open, 1, 'news of a watch that nobody has open');
        this.watches.delete(watched!);
      },
      stopped: (reason) => {
        if (reason === 'restart') this.restarts++;
        // Of an instance that is gone no outcome comes.
        this.asked = this.outcomes;
        if (throwsInStopped) throw new Error('in stopped');
      },
    });
  }
}

const spawn = fc.record({
  scope: fc.constantFrom<SupervisionScope>('one', 'all', 'rest'),
  overflow: fc.constantFrom<OverflowPolicy>('reject', 'dropOldest', 'dropNewest', 'credit'),
  backoffMs: fc.constantFrom(0, 0, 5),
  throughput: fc.integer({ min: 1, max: 5 }),
  failsInCreate: fc.constantFrom(0, 0, 0, 0, 1, 5),
  throwsInStopped: fc.constantFrom(false, false, false, true),
});
const who = fc.nat(1000);
const kind = <K extends string, T extends object>(name: K, rest: { [P in keyof T]: fc.Arbitrary<T[P]> }): fc.Arbitrary<T & { kind: K }> =>
  fc.record({ kind: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<T & { kind: K }>;
const happening = fc.oneof(
  { weight: 5, arbitrary: kind('spawn', { who, spawn }) },
  {
    weight: 6,
    arbitrary: kind('tell', { who, count: fc.integer({ min: 1, max: 9 }), lane: fc.integer({ min: 1, max: 4 }), timed: fc.boolean() }),
  },
  { weight: 2, arbitrary: kind('message', { who, message: fc.constantFrom('stash', 'unstash') }) },
  {
    weight: 5,
    arbitrary: kind('fail', { who, directive: fc.constantFrom('resume', 'restart', 'restart', 'stop', 'escalate', 'nonsense') }),
  },
  { weight: 2, arbitrary: kind('stopSelf', { who, drain: fc.boolean() }) },
  { weight: 3, arbitrary: kind('stopChild', { who, child: who, drain: fc.boolean() }) },
  { weight: 1, arbitrary: kind('stopFromWithin', { who, target: who, drain: fc.boolean() }) },
  { weight: 4, arbitrary: kind('watch', { who, target: who }) },
  { weight: 2, arbitrary: kind('unwatch', { who, target: who }) },
  { weight: 4, arbitrary: kind('ask', { who, target: who }) },
  { weight: 2, arbitrary: kind('askOutside', { target: who }) },
  { weight: 2, arbitrary: kind('timer', { who, ms: fc.integer({ min: 0, max: 20 }), periodic: fc.boolean() }) },
  { weight: 6, arbitrary: kind('run', {}) },
  { weight: 3, arbitrary: kind('advance', { ms: fc.integer({ min: 0, max: 30 }) }) },
);

/** What holds between any two runs. */
function check(t: ExecutionContext, { runtime }: Shard): void {
  const cells = runtime.actors.all();
  let backlog = 0;
  for (const cell of cells) {
    if (cell.state === ENDED) t.fail('an ended actor is in the table');
    const { parent } = cell;
    if (parent !== null && (!cells.includes(parent) || !children(parent).includes(cell)))
      t.fail('an actor lives without its living parent');
    let queued = 0;
    let envelopes = 0;
    for (let lane = 0; lane < LANE_COUNT; lane++) {
      const ring = cell.usedRing(lane);
      const length = ring?.length ?? 0;
      if (((cell.readyLanes & (1 << lane)) !== 0) !== length > 0) t.fail(`lane ${lane} holds ${length} and is marked ${cell.readyLanes}`);
      if (lane !== SYSTEM) queued += length;
      const rows = ring?.rows ?? null;
      for (let i = 0; rows !== null && i < length; i++) {
        if (rows[((ring!.head + i) & (ring!.items.length - 1)) * 8 + 1] === ENVELOPE) envelopes++;
      }
    }
    if (queued !== cell.queued) t.fail(`queued is ${cell.queued}, but ${queued} are`);
    // Stashed messages come back on top of what came meanwhile.
    if (queued - envelopes > 2 * CAPACITY + (cell.rare?.stash?.length ?? 0) + 256) t.fail('the mailbox is over its bound');
    if (cell.rare?.stash === null && cell.rare !== null && queued - envelopes > CAPACITY) t.fail('the mailbox is over its capacity');
    backlog += queued;
  }
  t.is(runtime.backlog, backlog);
  t.is(runtime.actors.count, cells.length);
}

function children(cell: Cell): Cell[] {
  const found: Cell[] = [];
  for (let child = cell.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

testProp(
  'trees: no orphans, right counts, one news per watch and one outcome per ask, whatever happens',
  [fc.integer(), fc.array(happening, { minLength: 1, maxLength: 120 })],
  (t, seed, happenings) => {
    const world = new World();
    const shard = world.shard({
      seed,
      tuning: { turnsPerRun: 3, supervision: { restartsMax: 5, decide: (error) => (error as Failure).directive as 'stop' } },
    });
    const { runtime } = shard;
    const members: Member[] = [];
    const asks: Asked[] = [];
    const plain: Spawn = { scope: 'one', overflow: 'reject', backoffMs: 0, throughput: 64, failsInCreate: 0, throwsInStopped: false };
    for (let i = 0; i < 3; i++) members.push(new Member(t, members, runtime, plain));
    const member = (n: number): Member => members[n % members.length]!;
    for (const h of happenings) {
      if (h.kind === 'advance') {
        world.clock.ms += h.ms;
        if (shard.loop.wakeAtMs <= world.clock.ms) world.run(shard);
      } else if (h.kind === 'run') {
        if (shard.loop.isAwake) world.run(shard);
      } else if (h.kind === 'askOutside') {
        asks.push(ask(runtime, member(h.target).driver.ref, (replyTo) => ({ replyTo }), 40));
      } else {
        const actor = member(h.who);
        switch (h.kind) {
          case 'spawn':
            actor.driver.post((context) => {
              if (members.length >= MEMBERS_MAX) return;
              const child = new Member(t, members, context, h.spawn);
              members.push(child);
              actor.children.push(child);
            });
            break;
          case 'tell':
            for (let i = 0; i < h.count; i++) actor.driver.ref.tell(i, { lane: h.lane as Lane, ...(h.timed ? { timeoutMs: 10 } : {}) });
            break;
          case 'message':
            actor.driver.ref.tell(h.message);
            break;
          case 'fail':
            actor.driver.post(() => {
              throw new Failure(h.directive);
            });
            break;
          case 'stopSelf':
            actor.driver.post((context) => context.stop(context.self, h));
            break;
          case 'stopChild':
            actor.driver.post((context) => {
              const child = actor.children[h.child % Math.max(1, actor.children.length)];
              if (child !== undefined) context.stop(child.driver.ref, h);
            });
            break;
          case 'stopFromWithin':
            actor.driver.post(() => runtime.stop(member(h.target).driver.ref, h));
            break;
          case 'watch':
            actor.driver.post((context) => {
              context.watch(member(h.target).driver.ref);
              actor.watches.set(member(h.target), 1);
            });
            break;
          case 'unwatch':
            actor.driver.post((context) => {
              context.unwatch(member(h.target).driver.ref);
              actor.watches.delete(member(h.target));
            });
            break;
          case 'ask':
            actor.driver.post((context) => {
              actor.asked++;
              context.ask(
                member(h.target).driver.ref,
                (replyTo) => ({ replyTo }),
                { timeoutMs: 30 },
                () => 'outcome',
              );
            });
            break;
          default:
            actor.driver.post((context) => (h.periodic ? context.every(h.ms, h.ms + 1, 'tick') : context.after(h.ms, h.ms, 'tick')));
        }
      }
      check(t, shard);
    }
    world.advance(2000);
    check(t, shard);
    t.is(runtime.asks.size, 0);
    for (const { outcomes } of asks) t.is(outcomes.length, 1);
    const alive = new Set(runtime.actors.all().map(({ ref }) => ref as unknown));
    for (const { driver, watches, asked, outcomes } of members) {
      if (!alive.has(driver.ref)) continue;
      for (const watched of watches.keys()) t.true(alive.has(watched.driver.ref), 'an actor ended, and its watcher was not told');
      t.is(outcomes, asked);
    }
    runtime.stopAll();
    check(t, shard);
    // The loop may have been asked to wake for a timer that was cancelled since.
    world.advance(1000);
    t.is(runtime.actors.count, 0);
    t.is(shard.loop.wakeAtMs, Number.POSITIVE_INFINITY);
  },
  { numRuns: 200 },
);
