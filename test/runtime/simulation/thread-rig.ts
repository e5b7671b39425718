/** A bare simulated thread: a clock, timers and an inbox, without a runtime. */
import { SeededRandom } from '../../../runtime/random.ts';
import { Conditions, type LinkQuality, PERFECT_QUALITY } from '../../../runtime/simulation/conditions.ts';
import { NodeTime } from '../../../runtime/simulation/node-time.ts';
import { type CpuOptions, SimThread } from '../../../runtime/simulation/sim-thread.ts';
import { World } from '../../../runtime/simulation/world.ts';
import { TimerQueue, TimerTasks } from '../../../runtime/timers.ts';

export function makeWorld(seed = 1, policy: 'fifo' | 'random' = 'fifo'): World {
  return new World(new SeededRandom(seed), { policy });
}

export function makeConditions(world: World, quality: Partial<LinkQuality> = {}): Conditions {
  return new Conditions(world.random.fork('network'), { ...PERFECT_QUALITY, ...quality });
}

export class ThreadRig {
  readonly thread: SimThread;
  readonly time = new NodeTime();
  readonly tasks: TimerTasks;
  /** World times of the runs. */
  readonly runs: number[] = [];
  onRun: () => void = () => {};

  constructor(world: World, node = 'a', shard = 0, cpu: CpuOptions = {}) {
    this.thread = new SimThread(world, { node, shard }, 1, this.time, cpu);
    const { thread } = this;
    const timers = new TimerQueue();
    this.tasks = new TimerTasks(
      timers,
      () => thread.clock.now(),
      () => thread.wakeAt(timers.nextAt()),
    );
    thread.drive({
      run: () => {
        this.runs.push(world.nowUs);
        for (let timer = timers.takeDue(thread.clock.now()); timer !== undefined; timer = timers.takeDue(thread.clock.now())) timer.fire();
        this.onRun();
        thread.wakeAt(timers.nextAt());
      },
      handled: () => 0,
      received: () => 0,
    });
  }
}
