/** Nemesis: does to a cluster what a plan says, and heals it at the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../runtime/doors.ts';
import type { ChaosCluster } from './cluster.ts';
import { type Machine, shown } from './machine.ts';
import { isAlone, type PlanItem } from './plan.ts';

export interface NemesisOptions {
  readonly cluster: ChaosCluster;
  readonly random: Random;
  readonly say: (text: string) => void;
  /** What must not be: a node that was to be refused runs, ... */
  readonly violation: (text: string) => void;
}

/** For a node to find out that it is not to run. */
const REFUSAL_MS = 40_000;
const STORM_STARTS = 3;
/** For all to be up, so that one may leave. */
const LEAVE_MS = 20_000;
const LEAVE_RETRY_MS = 500;

export class Nemesis {
  readonly #options: NemesisOptions;
  #running: Promise<void>[] = [];
  /** How often each kind was done. */
  readonly counts = new Map<string, number>();
  /** Those that an item kills and starts just now: another one leaves them alone. */
  readonly #busy = new Set<Machine>();

  readonly #leastMembers: number;

  constructor(options: NemesisOptions) {
    this.#options = options;
    this.#leastMembers = options.cluster.machines.length;
  }

  /** Resolves when all items are over. Errors: an item could not be done. */
  async run(items: readonly PlanItem[]): Promise<void> {
    const begun = performance.now();
    for (const item of items) {
      await sleep(Math.max(0, item.atMs - (performance.now() - begun)));
      if (isAlone(item)) {
        await this.#settle();
        await this.#options.cluster.untilWhole();
      }
      this.counts.set(item.kind, (this.counts.get(item.kind) ?? 0) + 1);
      this.#options.say(describe(item));
      const done = this.#do(item);
      if (isAlone(item)) await done;
      else {
        this.#running.push(done);
        // Whoever settles hears of it.
        done.catch(() => undefined);
      }
    }
    await this.#settle();
  }

  /** Every node runs, with nothing wrong between them; resolves when they all see that. */
  async heal(): Promise<void> {
    const { cluster } = this.#options;
    cluster.links.heal();
    for (const machine of cluster.machines) {
      machine.freeDisk();
      machine.resume();
    }
    for (const machine of cluster.machines) {
      if (machine.expected === 'left') await this.#tryUp(machine);
      else await this.#ensureUp(machine);
    }
    await cluster.untilLeft();
    await cluster.untilWhole();
  }

  async #settle(): Promise<void> {
    const running = this.#running;
    this.#running = [];
    await Promise.all(running);
    await this.heal();
  }

  async #do(item: PlanItem): Promise<void> {
    const { cluster, random } = this.#options;
    const { links } = cluster;
    // Who was to be a member by now may not be one yet, or none any more.
    const machines = item.nodes.map((name) => cluster.machine(name)).filter((machine) => item.kind === 'join' || cluster.isMember(machine));
    const onLinks = (set: (from: string, to: string) => void): void => {
      for (const link of item.links) set(...(link.split('>') as [string, string]));
    };
    switch (item.kind) {
      case 'delay':
        onLinks((from, to) => links.set(from, to, { delayMs: item.amount / 2, jitterMs: item.amount / 2 }));
        await sleep(item.forMs);
        return onLinks((from, to) => links.set(from, to, { delayMs: 0, jitterMs: 0 }));
      case 'throttle':
        onLinks((from, to) => links.set(from, to, { bytesPerSecond: item.amount }));
        await sleep(item.forMs);
        return onLinks((from, to) => links.set(from, to, { bytesPerSecond: 0 }));
      case 'stall':
        onLinks((from, to) => links.set(from, to, { isStalled: true }));
        await sleep(item.forMs);
        return onLinks((from, to) => links.set(from, to, { isStalled: false }));
      case 'cut':
        onLinks((from, to) => links.set(from, to, { isCut: true }));
        await sleep(item.forMs);
        return onLinks((from, to) => links.set(from, to, { isCut: false }));
      case 'reset':
        return onLinks((from, to) => links.resetAfter(from, to, item.amount));
      case 'pause':
        for (const machine of machines) machine.pause();
        await sleep(item.forMs);
        for (const machine of machines) machine.resume();
        return;
      case 'kill':
        return this.#claim(machines, async (free) => {
          await Promise.all(free.map((machine) => machine.kill()));
          await sleep(item.forMs);
          await Promise.all(free.map((machine) => this.#tryUp(machine)));
        });
      case 'storm':
        return this.#claim(machines, async (free) => {
          for (const machine of free) {
            await machine.kill();
            for (let i = 0; i < STORM_STARTS; i++) await machine.startRefused(1 + item.amount * random.float());
            await this.#tryUp(machine);
          }
        });
      case 'fill':
        for (const machine of machines) machine.fillDisk();
        await sleep(item.forMs);
        for (const machine of machines) machine.freeDisk();
        return;
      case 'wipe':
        for (const machine of machines) await this.#wipe(machine);
        return;
      case 'rollback':
        for (const machine of machines) await this.#rollBack(machine, item);
        return;
      case 'join':
        for (const machine of machines) await this.#join(machine);
        return;
      case 'leave':
        for (const machine of machines) await this.#leave(machine);
        return;
      case 'restore':
        return this.#restore(machines, item);
    }
  }

  /** A node of the same name with nothing on its disk is another one, whom nobody takes while the first is a member. */
  async #wipe(machine: Machine): Promise<void> {
    const { cluster, say, violation } = this.#options;
    await machine.kill();
    machine.putAside('kept');
    const others = cluster.machines.flatMap((other, index) => (other === machine ? [] : [cluster.seeds[index]!]));
    const ended = await machine.startRefused(REFUSAL_MS, '--join', others.join(','));
    if (ended === null) violation(`${machine.name} with an empty directory was not refused within ${REFUSAL_MS} ms`);
    else say(`  ${machine.name} with an empty directory: ${shown(ended)}`);
    machine.putBack('kept');
    await this.#ensureUp(machine);
    await cluster.untilWhole();
  }

  /** An older state of a directory has given out dots that it does not know of. */
  async #rollBack(machine: Machine, { forMs, amount }: PlanItem): Promise<void> {
    const { cluster, say, violation } = this.#options;
    await machine.kill();
    machine.copyDirectory('older');
    for (let i = 0; i <= amount; i++) {
      if (i > 0) await machine.kill();
      await machine.start();
      await cluster.untilWhole();
    }
    await sleep(forMs);
    await machine.kill();
    machine.putAside('kept');
    machine.putBack('older');
    const ended = await machine.startRefused(REFUSAL_MS);
    if (ended === null) violation(`${machine.name} with an older copy of its directory was not refused within ${REFUSAL_MS} ms`);
    else say(`  ${machine.name} with an older copy of its directory: ${shown(ended)}`);
    machine.putBack('kept');
    await this.#ensureUp(machine);
    await cluster.untilWhole();
  }

  async #join(machine: Machine): Promise<void> {
    const { cluster, say } = this.#options;
    // It may still be on its way out.
    const untilMs = performance.now() + LEAVE_MS;
    while (machine.expected === 'left' && performance.now() < untilMs && !(await cluster.hasLeft(machine))) await sleep(LEAVE_RETRY_MS);
    if (cluster.isMember(machine)) return say(`  ${machine.name} does not join: it is a member`);
    try {
      await cluster.join(machine);
    } catch (error) {
      say(`  ${machine.name} is not taken in yet: ${String(error).slice(0, 300)}`);
    }
  }

  /** Only where that leaves as many as there were at first: whoever joins has to be a member before. */
  async #leave(machine: Machine): Promise<void> {
    const { cluster, say } = this.#options;
    let why = '';
    for (const untilMs = performance.now() + LEAVE_MS; performance.now() < untilMs; await sleep(LEAVE_RETRY_MS)) {
      const asked = cluster.machines.find((other) => other !== machine && other.state === 'up');
      const states = (await asked?.process.states())?.split(', ') ?? [];
      why = states.join(', ');
      if (asked === undefined || states.length <= this.#leastMembers || !states.every((state) => state.endsWith(': UP'))) continue;
      const refusal = await cluster.leave(machine, asked);
      // What was not answered may have been done: healing looks after it.
      if (refusal === null) return;
      why = refusal;
    }
    say(`  ${machine.name} has not been told to leave: ${why.slice(0, 300)}`);
  }

  async #restore(machines: readonly Machine[], { forMs }: PlanItem): Promise<void> {
    await Promise.all(machines.map((machine) => machine.kill()));
    for (const machine of machines) machine.copyDirectory('older');
    await this.heal();
    await sleep(forMs);
    await Promise.all(machines.map((machine) => machine.kill()));
    for (const machine of machines) machine.putBack('older');
    await this.heal();
  }

  async #claim(machines: readonly Machine[], run: (free: readonly Machine[]) => Promise<void>): Promise<void> {
    const free = machines.filter((machine) => !this.#busy.has(machine));
    for (const machine of free) this.#busy.add(machine);
    try {
      await run(free);
    } finally {
      for (const machine of free) this.#busy.delete(machine);
    }
  }

  /** What keeps it from starting may be a fault that is there just now: healing tries again. */
  async #tryUp(machine: Machine): Promise<void> {
    if (!this.#options.cluster.isMember(machine)) return;
    try {
      await this.#ensureUp(machine);
    } catch (error) {
      this.#options.say(`  ${machine.name} does not start yet: ${String(error).slice(0, 500)}`);
    }
  }

  async #ensureUp(machine: Machine): Promise<void> {
    if (machine.state === 'down' || machine.state === 'broken') await this.#options.cluster.start(machine);
  }
}

export function describe({ kind, atMs, forMs, links, nodes, amount }: PlanItem): string {
  const where = [...links, ...nodes].join(' ');
  return `${(atMs / 1_000).toFixed(1).padStart(6)} s  ${kind} ${where}${amount === 0 ? '' : `, ${amount}`}, for ${forMs} ms`;
}
