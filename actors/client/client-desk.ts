/**
 * ClientDesk: where the program and ClientActor, of the same thread, meet. Operations are handed over in batches: what is asked for in one go of the program
 * costs the actor one message, and leaves in one flush per connection.
 */
import type { Ref } from '../../runtime/ref.ts';
import { ClientError } from './client-error.ts';
import type { ClientMessage } from './client-protocol.ts';
import type { Operation } from './operation.ts';
import type { RingMap } from './ring-map.ts';

export interface DeskEvents {
  /** A newer ring is in use. */
  readonly ringChanged: (map: RingMap) => void;
  /** None of the nodes known can be reached. Said again and again. */
  readonly lost: () => void;
}

export class ClientDesk {
  readonly #max: number;
  readonly #events: DeskEvents;
  #actor: Ref<ClientMessage> | null = null;
  #isRinging = false;
  #isClosed = false;
  #submitted: Operation[] = [];
  #spare: Operation[] = [];
  /** Not over. */
  size = 0;
  map: RingMap | null = null;

  constructor(operationsMax: number, events: DeskEvents) {
    this.#max = operationsMax;
    this.#events = events;
  }

  /** `op.failed` is called before this returns when there is no room, or no client any more. */
  submit(op: Operation): void {
    if (this.#isClosed) return op.failed(closed());
    if (this.size >= this.#max)
      return op.failed(
        new ClientError('OVERLOADED', `this client has ${this.size} operations under way and takes no more (operationsMax)`),
      );
    this.size++;
    this.#submitted.push(op);
    this.#ring();
  }

  /** The program has no use for it any more. No effect when it is over. */
  cancel(op: Operation, cause: unknown): void {
    if (op.phase === 'over') return;
    op.cancelled = new ClientError('ABORTED', 'the operation was aborted', { cause, mayBeDone: op.mayBeDone });
    if (op.phase !== 'new') this.#submitted.push(op);
    this.#ring();
  }

  /** Nothing is submitted any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** By the actor, when it starts. */
  connect(actor: Ref<ClientMessage>): void {
    this.#actor = actor;
    this.#isRinging = false;
    if (this.#submitted.length > 0) this.#ring();
  }

  /** By the actor: what was submitted or cancelled since; good until the next call. */
  take(): readonly Operation[] {
    const taken = this.#submitted;
    this.#isRinging = false;
    this.#submitted = this.#spare;
    this.#submitted.length = 0;
    this.#spare = taken;
    return taken;
  }

  /** By the actor. */
  ringChanged(map: RingMap): void {
    this.map = map;
    this.#events.ringChanged(map);
  }

  lost(): void {
    this.#events.lost();
  }

  #ring(): void {
    if (this.#isRinging || this.#actor === null) return;
    this.#isRinging = this.#actor.tell({ type: 'work' });
  }
}

export function closed(): ClientError {
  return new ClientError('CLOSED', 'the client was closed');
}
