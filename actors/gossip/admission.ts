/**
 * Admission: who may speak. A message counts only when it is from the process that this node takes for the present one of a member:
 * not from another cluster, not from one that left, not from an earlier start, and not from a second process with the same directory.
 */
import type { Id } from '../ring/ring-state.ts';
import type { Sender } from '../ring-protocol.ts';

interface Process {
  readonly boot: number;
  readonly instance: string;
}

export class Admission {
  readonly #self: Id;
  readonly #mutants: ReadonlySet<string>;
  readonly #processes = new Map<Id, Process>();
  #members: ReadonlySet<Id> = new Set();
  #cluster = '';

  constructor(self: Id, mutants: ReadonlySet<string>) {
    this.#self = self;
    this.#mutants = mutants;
  }

  setMembers(cluster: Id, members: readonly Id[]): void {
    this.#cluster = cluster;
    this.#members = new Set(members);
    for (const id of this.#processes.keys()) if (!this.#members.has(id)) this.#processes.delete(id);
  }

  /** Of this cluster, whether member or not. */
  isOfCluster(from: Sender): boolean {
    return from.cluster === this.#cluster && from.id !== this.#self;
  }

  /** `knownBoot`: the newest that is known of it. Returns why not; null: it may. */
  refusal(from: Sender, knownBoot: number): string | null {
    const { cluster, id, boot, instance } = from;
    if (this.#cluster === '') return 'this node has no ring yet';
    if (cluster !== this.#cluster) return 'it is of another cluster';
    if (id === this.#self) return 'it has the id of this node';
    if (!this.#members.has(id)) return 'it is no member';
    if (this.#mutants.has('bootIgnored')) return null;
    const known = this.#processes.get(id);
    if (boot < Math.max(knownBoot, known?.boot ?? 0)) return 'it is of an earlier start';
    if (known?.boot === boot && known.instance !== instance) return 'another process of that start is known';
    if (known?.boot !== boot) this.#processes.set(id, { boot, instance });
    return null;
  }
}
