/**
 * The receptionist: who offers what on this node. One per node, on its main thread, at a well-known address, so that actors of all
 * threads register there and other nodes can ask it. What is registered disappears when it ends.
 *
 * States: none. Sent to it: `ReceptionistMessage` by anybody. Invariants: every listed ref and subscriber is watched; each
 * subscriber has been told the latest listing of its key, or is marked as behind, and then a timer runs.
 */
import { type ActorContext, defineActor, type Signal } from './actor.ts';
import { addressName } from './address.ts';
import { unreachable } from './errors.ts';
import { CONTROL } from './lanes.ts';
import type { Listing, ReceptionistMessage } from './receptionist-protocol.ts';
import { type AnyRef, Ref } from './ref.ts';

const KEYS_MAX = 65_536;
const REFS_PER_KEY_MAX = 4096;
const SUBSCRIBERS_PER_KEY_MAX = 4096;
const KEY_LENGTH_MAX = 256;
const RETRY_MS = 100;

interface CatchUp {
  readonly type: 'catchUp';
}

interface Subscriber {
  readonly ref: Ref<Listing>;
  /** It was told of no room for the latest listing. */
  isBehind: boolean;
}

/** Both by address. */
interface Entry {
  readonly refs: Map<string, AnyRef>;
  readonly subscribers: Map<string, Subscriber>;
}

export const receptionist = defineActor<ReceptionistMessage>(
  'receptionist',
  (context) => new Receptionist(context as ActorContext<ReceptionistMessage | CatchUp>),
  {
    mailbox: { capacity: 65_536 },
  },
);

class Receptionist {
  readonly #context: ActorContext<ReceptionistMessage | CatchUp>;
  readonly #entries = new Map<string, Entry>();
  /** Under which keys an address is listed or subscribes. */
  readonly #keys = new Map<string, Set<string>>();

  constructor(context: ActorContext<ReceptionistMessage | CatchUp>) {
    this.#context = context;
  }

  receive(message: ReceptionistMessage | CatchUp): void {
    if (!isValid(message)) {
      this.#context.log.warn('receptionist: message refused', { type: String((message as Partial<ReceptionistMessage> | null)?.type) });
      return;
    }
    switch (message.type) {
      case 'register':
        return this.#onRegister(message.key, message.ref);
      case 'find':
        message.replyTo.tell(this.#listing(message.key));
        return;
      case 'subscribe':
        return this.#onSubscribe(message.key, message.subscriber);
      case 'catchUp':
        return this.#onCatchUp();
      default:
        unreachable(message);
    }
  }

  signal(signal: Signal): void {
    if (signal.type === 'terminated') this.#onTerminated(signal.ref);
  }

  #onRegister(key: string, ref: AnyRef): void {
    const entry = this.#entryOf(key);
    const address = addressName(ref.address);
    if (entry?.refs.has(address) === true) return;
    if (entry === undefined || entry.refs.size >= REFS_PER_KEY_MAX) return this.#full(key);
    entry.refs.set(address, ref);
    this.#follow(key, address, ref);
    for (const subscriber of entry.subscribers.values()) this.#tell(key, subscriber);
  }

  #onSubscribe(key: string, ref: Ref<Listing>): void {
    const entry = this.#entryOf(key);
    const address = addressName(ref.address);
    let subscriber = entry?.subscribers.get(address);
    if (subscriber === undefined) {
      if (entry === undefined || entry.subscribers.size >= SUBSCRIBERS_PER_KEY_MAX) return this.#full(key);
      subscriber = { ref, isBehind: false };
      entry.subscribers.set(address, subscriber);
      this.#follow(key, address, ref);
    }
    this.#tell(key, subscriber);
  }

  #onCatchUp(): void {
    for (const [key, entry] of this.#entries) {
      for (const subscriber of entry.subscribers.values()) if (subscriber.isBehind) this.#tell(key, subscriber);
    }
  }

  #onTerminated(ref: AnyRef): void {
    const address = addressName(ref.address);
    const keys = this.#keys.get(address) ?? [];
    this.#keys.delete(address);
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      entry.subscribers.delete(address);
      if (entry.refs.delete(address)) for (const subscriber of entry.subscribers.values()) this.#tell(key, subscriber);
      if (entry.refs.size === 0 && entry.subscribers.size === 0) this.#entries.delete(key);
    }
  }

  #follow(key: string, address: string, ref: AnyRef): void {
    const keys = this.#keys.get(address);
    if (keys === undefined) this.#keys.set(address, new Set([key]));
    else keys.add(key);
    this.#context.watch(ref);
  }

  #tell(key: string, subscriber: Subscriber): void {
    subscriber.isBehind = !subscriber.ref.tell(this.#listing(key), { lane: CONTROL });
    if (subscriber.isBehind) this.#context.after('catchUp', RETRY_MS, { type: 'catchUp' });
  }

  #full(key: string): void {
    this.#context.log.warn('receptionist is full', { key, keys: this.#entries.size, keysMax: KEYS_MAX, refsMax: REFS_PER_KEY_MAX });
  }

  #entryOf(key: string): Entry | undefined {
    let entry = this.#entries.get(key);
    if (entry === undefined && this.#entries.size < KEYS_MAX) {
      entry = { refs: new Map(), subscribers: new Map() };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #listing(key: string): Listing {
    return { type: 'listing', key, refs: [...(this.#entries.get(key)?.refs.values() ?? [])] };
  }
}

/** Anybody may send anything here, other nodes too: what is malformed must not cost what is registered. */
function isValid(message: ReceptionistMessage | CatchUp): boolean {
  if (typeof message !== 'object' || message === null) return false;
  if (message.type === 'catchUp') return true;
  if (typeof message.key !== 'string' || message.key.length > KEY_LENGTH_MAX) return false;
  switch (message.type) {
    case 'register':
      return message.ref instanceof Ref;
    case 'find':
      return message.replyTo instanceof Ref;
    case 'subscribe':
      return message.subscriber instanceof Ref;
    default:
      return false;
  }
}
