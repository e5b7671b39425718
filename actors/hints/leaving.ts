/**
 * A member that leaves holds nothing for others any more: it takes no more hints, is chosen as a stand-in by nobody, and the last step of its leave ends when all that it holds is handed
 * over. What it holds for a member that can't be reached goes to those primaries that can be: so none is waited for that may never come.
 */
import type { Id, RingState } from '../ring/ring-state.ts';
import { ownerText } from './hint-key.ts';
import type { Hints } from './hints.ts';

/** `node`: its name among transports. */
export function isLeaving({ members }: RingState, node: string): boolean {
  return members.some(({ address, state }) => address.node === node && state === 'leaving');
}

/** Why this node does not hold a write for `owner`, 16 bytes; undefined: it does. */
export function faultOfHint(ring: RingState, node: string, owner: Uint8Array): string | undefined {
  const id: Id = ownerText(owner, 0);
  if (ring.members.every((member) => member.id !== id)) return `${id} is no member`;
  return isLeaving(ring, node) ? 'this node is leaving' : undefined;
}

/** Of one shard: who waits for what it holds to be handed over, written by the agent of its ring and looked at by its HintStoreActor. */
export class LeaveDesk {
  #waiting: (() => void) | undefined;

  /** The shard has done all else that the ring asks of it. Calls `done`, at once or, where this node leaves with that step, when nothing is held any more. Forgets who has waited before. */
  switched(ring: RingState, node: string, done: () => void): void {
    this.#waiting = undefined;
    if (ring.transition?.step === 'writeNew' && isLeaving(ring, node)) this.#waiting = done;
    else done();
  }

  /** Null: the replicas of the shard are not open. */
  look(hints: Hints | null): void {
    if (this.#waiting === undefined || hints?.isCounted !== true || hints.book.count > 0) return;
    const done = this.#waiting;
    this.#waiting = undefined;
    done();
  }
}
