/** MachineRun: what workloads of whole nodes have in common: machines that start from their disks, at once or when the simulation is built. */
import type { ShardStart } from '../../../runtime/definitions.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { PowerLossError } from '../../../runtime/simulation/sim-disk.ts';
import type { SimNode } from '../../../runtime/simulation/sim-node.ts';
import type { Simulation } from '../../../runtime/simulation/simulation.ts';

export abstract class MachineRun {
  readonly mutants: ReadonlySet<string>;
  readonly seed: number | string;
  readonly machines: readonly string[];
  #simulation: Simulation | undefined;
  /** Nodes that are started before there is a simulation. */
  #early: SimNode[] = [];

  constructor({ seed, settings }: RunPlan) {
    this.seed = seed;
    this.mutants = new Set(settings.mutants);
    this.machines = settings.nodes.map(({ name }) => name);
  }

  get simulation(): Simulation {
    if (this.#simulation === undefined) throw new Error('the simulation is not built yet');
    return this.#simulation;
  }

  begin(simulation: Simulation): void {
    this.#simulation = simulation;
    const early = this.#early;
    this.#early = [];
    for (const node of early) {
      this.start(node);
      for (const shard of node.shards) this.startShard({ node: node.name, shard: shard.index });
    }
  }

  start(node: SimNode): void {
    if (this.#simulation === undefined) return void this.#early.push(node);
    try {
      this.startNode(node);
    } catch (error) {
      // The machine is about to lose its power.
      if (!(error instanceof PowerLossError)) throw error;
    }
  }

  startShard({ node, shard }: Pick<ShardStart, 'node' | 'shard'>): void {
    if (this.#simulation !== undefined) this.startThread(this.#simulation.node(node), shard);
  }

  /** The main thread of a machine. */
  protected abstract startNode(node: SimNode): void;
  protected abstract startThread(node: SimNode, index: number): void;
}
