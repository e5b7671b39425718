/** Dead letters: messages that reached nobody, counted by reason and shown to whoever subscribed. */
import { type AnyRef, type Ref, sameRef } from './ref.ts';

export const DEAD_LETTER_REASONS = [
  /** The actor had stopped, or stopped with the message still queued. */
  'stopped',
  /** No actor at that address. */
  'noSuchActor',
  /** The deadline passed before the message was handled. */
  'expired',
  /** The mailbox was full: refused or dropped, by its policy. */
  'overflow',
  /** The link was full, down, or lost it. */
  'link',
  /** The actor failed while it handled the message. */
  'failed',
  /** An answer that came after its ask was over. */
  'lateReply',
  /** A peer's payload that could not be decoded. */
  'undecodable',
] as const;

export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

export interface DeadLetter {
  readonly type: 'deadLetter';
  readonly reason: DeadLetterReason;
  /** Name of the actor, or its address. */
  readonly target: string;
  /** Its `type` where it has one, `operation N` for the binary path. Never its content: that may be secret. */
  readonly message: string;
}

interface Target {
  toString(): string;
  /** Of a ref to an actor of this thread, which counts its own. */
  readonly cell?: { deadLetters: number };
}

/** Subscribers get at most this many letters per run of the shard; counters count them all. */
const SHOWN_PER_RUN = 64;
const SUBSCRIBERS_MAX = 16;
const NAME_LENGTH_MAX = 64;

export class DeadLetters {
  readonly #counts = new Map<DeadLetterReason, number>(DEAD_LETTER_REASONS.map((reason) => [reason, 0]));
  readonly #tell: (ref: Ref<DeadLetter>, letter: DeadLetter) => void;
  #subscribers: readonly Ref<DeadLetter>[] = [];
  #shown = 0;
  #telling = false;

  /** `tell` sends a letter on behalf of nobody. */
  constructor(tell: (ref: Ref<DeadLetter>, letter: DeadLetter) => void) {
    this.#tell = tell;
  }

  add(reason: DeadLetterReason, target: Target, message: unknown): void {
    if (target.cell !== undefined) target.cell.deadLetters++;
    if (this.#count(reason, 1)) this.#show(reason, target, messageName(message));
  }

  /** A message of the binary path. */
  addOperation(reason: DeadLetterReason, target: Target, operation: number): void {
    if (target.cell !== undefined) target.cell.deadLetters++;
    if (this.#count(reason, 1)) this.#show(reason, target, `operation ${operation}`);
  }

  /** `count` messages that a link lost. `what`: shown in their place, once. */
  addLost(target: Target, what: string, count: number): void {
    if (this.#count('link', count)) this.#show('link', target, what);
  }

  /** Called at the start of each run of the shard. */
  startRun(): void {
    this.#shown = 0;
  }

  /** Idempotent. Returns false when there are too many subscribers already. */
  subscribe(ref: Ref<DeadLetter>): boolean {
    if (this.#subscribers.some((other) => sameRef(other, ref))) return true;
    if (this.#subscribers.length >= SUBSCRIBERS_MAX) return false;
    this.#subscribers = [...this.#subscribers, ref];
    return true;
  }

  /** The subscriber `ref` has ended. */
  forget(ref: AnyRef): void {
    if (this.#subscribers.length > 0) this.forgetWhere((other) => sameRef(other, ref));
  }

  forgetWhere(hasEnded: (ref: AnyRef) => boolean): void {
    this.#subscribers = this.#subscribers.filter((ref) => !hasEnded(ref));
  }

  counts(): Readonly<Record<DeadLetterReason, number>> {
    return Object.fromEntries(this.#counts) as Record<DeadLetterReason, number>;
  }

  /** Returns whether the letter is to be shown. */
  #count(reason: DeadLetterReason, count: number): boolean {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count);
    // A letter about a letter would go round for ever.
    return this.#subscribers.length > 0 && !this.#telling && this.#shown < SHOWN_PER_RUN;
  }

  #show(reason: DeadLetterReason, target: Target, message: string): void {
    this.#shown++;
    this.#telling = true;
    const letter: DeadLetter = { type: 'deadLetter', reason, target: target.toString(), message };
    for (const subscriber of this.#subscribers) this.#tell(subscriber, letter);
    this.#telling = false;
  }
}

/** The `type` of a message, or what kind of value it is. */
function messageName(message: unknown): string {
  if (typeof message === 'object' && message !== null && 'type' in message && typeof message.type === 'string') {
    return message.type.slice(0, NAME_LENGTH_MAX);
  }
  return message === null ? 'null' : typeof message;
}
