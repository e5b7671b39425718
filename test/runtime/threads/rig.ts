/** Rig: thread transports with their events and logs recorded, several of them in one thread, joined by real channels. */
import { MAIN_SHARD, type Place } from '../../../runtime/address.ts';
import { BULK_CLASS, type LaneClass } from '../../../runtime/lanes.ts';
import type { TaskHandle, Tasks } from '../../../runtime/link.ts';
import { createThreadChannel, type ThreadChannelOptions } from '../../../runtime/threads/thread-channel.ts';
import type { ThreadLink } from '../../../runtime/threads/thread-link.ts';
import { type ThreadLimits, ThreadTransport } from '../../../runtime/threads/thread-transport.ts';
import { RecordingLog } from '../recording-log.ts';
import { putFrame, RecordingEvents } from '../wire/rig.ts';

export const NODE = 'n';

/** Timed tasks that run when the test says so. */
export class ManualTasks implements Tasks {
  readonly pending = new Set<TaskHandle & { readonly task: () => void }>();

  now(): number {
    return 0;
  }

  after(ms: number, task: () => void): TaskHandle {
    const handle = { at: ms, task };
    this.pending.add(handle);
    return handle;
  }

  cancel(handle: TaskHandle): void {
    this.pending.delete(handle as TaskHandle & { readonly task: () => void });
  }

  runAll(): void {
    for (const handle of this.pending) {
      this.pending.delete(handle);
      handle.task();
    }
  }
}

export class TestThread {
  readonly place: Place;
  readonly boot: number;
  readonly events = new RecordingEvents();
  readonly log = new RecordingLog();
  readonly tasks = new ManualTasks();
  readonly transport: ThreadTransport;
  /** How many bytes had come in, each time that a wake-up ended a sleep. */
  readonly wokenWith: number[] = [];

  constructor(shard: number = MAIN_SHARD, options: { readonly boot?: number; readonly limits?: Partial<ThreadLimits> } = {}) {
    const { boot = 1, limits } = options;
    this.place = { node: NODE, shard };
    this.boot = boot;
    const { events, tasks, log } = this;
    const onWoken = (): void => {
      this.wokenWith.push(events.bytesReceived);
    };
    this.transport = new ThreadTransport({
      node: NODE,
      shard,
      boot,
      events,
      tasks,
      log,
      onWoken,
      ...(limits === undefined ? {} : { limits }),
    });
  }

  link(to: TestThread, laneClass: LaneClass = BULK_CLASS): ThreadLink {
    return this.transport.link(to.place, laneClass);
  }

  /** Sends one frame per id in one flush. Returns how many the link took. */
  send(to: TestThread, ids: readonly number[], options: { readonly laneClass?: LaneClass; readonly payloadBytes?: number } = {}): number {
    const link = this.link(to, options.laneClass);
    const taken = ids.filter((id) => putFrame(link, id, options.payloadBytes ?? 1)).length;
    link.flush();
    return taken;
  }

  received(from: TestThread, laneClass: LaneClass = BULK_CLASS): readonly number[] {
    return this.events.ids(from.place, laneClass);
  }

  /** At once, whatever is still to be sent. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.transport.close(resolve);
      this.tasks.runAll();
    });
  }
}

export function join(a: TestThread, b: TestThread, options: ThreadChannelOptions = {}): void {
  const channel = createThreadChannel(options);
  a.transport.attach({ shard: b.place.shard, boot: b.boot }, channel.a.end);
  b.transport.attach({ shard: a.place.shard, boot: a.boot }, channel.b.end);
}

/** Lets the loop turn until `condition` holds; AVA's timeout ends a test in which it never does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Lets the loop turn until these transports have done what there is to do, and sleep. */
export async function quiet(...threads: readonly TestThread[]): Promise<void> {
  const sleeps = () => threads.map(({ transport }) => transport.stats().sleeps).join();
  // Asleep is who does not go to sleep again in some turns, each of which takes up what the others had to say.
  for (let still = 0, before = sleeps(); still < 10; still++) {
    await turn();
    const now = sleeps();
    if (now !== before) still = 0;
    before = now;
  }
}

export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}
