/**
 * Channel: one direction of a connection. First in, first out, whatever the delays: what leaves later never arrives earlier. Has one
 * event in the heap at a time, for its head.
 */
import type { EventTarget } from './event-heap.ts';
import type { World } from './world.ts';

/** The far end. */
export interface ChannelSink {
  /** `code` says what it is; `bytes[start, end)` belongs to the sink. */
  arrived(code: number, bytes: Buffer, start: number, end: number, sentUs: number): void;
}

interface Parcel {
  sentUs: number;
  atUs: number;
  code: number;
  bytes: Buffer;
  start: number;
  end: number;
}

const NO_BYTES = Buffer.alloc(0);
const ARRIVAL = 0;
const STRAGGLER = 1;

export class Channel implements EventTarget {
  readonly id: number;
  readonly #world: World;
  readonly #sink: ChannelSink;
  /** A ring over a power of two; parcels are used again. */
  #parcels: Parcel[] = Array.from({ length: 4 }, newParcel);
  #head = 0;
  #length = 0;
  #lastUs = 0;
  #armed = false;
  #held = false;
  /** Those that were taken out of the order, first in first out among themselves. */
  #stragglers: Parcel[] = [];

  constructor(world: World, sink: ChannelSink) {
    this.id = world.newId();
    this.#world = world;
    this.#sink = sink;
  }

  /** Puts something in; it arrives at `atUs`, or as soon as what went before has arrived. */
  send(atUs: number, code: number, bytes: Buffer = NO_BYTES, start = 0, end = 0): void {
    if (this.#length === this.#parcels.length) this.#grow();
    const parcel = this.#parcels[(this.#head + this.#length) & (this.#parcels.length - 1)] as Parcel;
    this.#length++;
    this.#lastUs = Math.max(atUs, this.#lastUs);
    parcel.sentUs = this.#world.nowUs;
    parcel.atUs = this.#lastUs;
    parcel.code = code;
    parcel.bytes = bytes;
    parcel.start = start;
    parcel.end = end;
    this.#arm();
  }

  /** Puts something in that arrives at `atUs` whatever went before or comes after: no stream does this. */
  sendOutOfOrder(atUs: number, code: number, bytes: Buffer, start: number, end: number): void {
    this.#stragglers.push({ sentUs: this.#world.nowUs, atUs, code, bytes, start, end });
    this.#world.scheduleDelivery(atUs, this, STRAGGLER);
  }

  /** From now on nothing arrives: it all waits, in its order. */
  hold(): void {
    this.#held = true;
  }

  /** What waited arrives, the first of it after `afterUs`. */
  release(afterUs: number): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#length > 0) {
      const head = this.#parcels[this.#head] as Parcel;
      head.atUs = Math.max(head.atUs, this.#world.nowUs + afterUs);
    }
    this.#arm();
    for (const straggler of this.#stragglers) this.#world.scheduleDelivery(straggler.atUs, this, STRAGGLER);
  }

  /** Drops all that is under way. */
  clear(): void {
    while (this.#length > 0) this.#shift().bytes = NO_BYTES;
    this.#stragglers = [];
  }

  fire(token: number): void {
    if (token === STRAGGLER) return this.#fireStraggler();
    this.#armed = false;
    if (this.#held || this.#length === 0) return;
    // The head may be another, later one than that which this event was for.
    if ((this.#parcels[this.#head] as Parcel).atUs > this.#world.nowUs) return this.#arm();
    const parcel = this.#shift();
    const { code, bytes, start, end, sentUs } = parcel;
    parcel.bytes = NO_BYTES;
    this.#arm();
    this.#sink.arrived(code, bytes, start, end, sentUs);
  }

  #fireStraggler(): void {
    const { nowUs } = this.#world;
    const index = this.#stragglers.findIndex((parcel) => parcel.atUs <= nowUs);
    if (index < 0 || this.#held) return;
    const [parcel] = this.#stragglers.splice(index, 1) as [Parcel];
    this.#sink.arrived(parcel.code, parcel.bytes, parcel.start, parcel.end, parcel.sentUs);
  }

  #arm(): void {
    if (this.#armed || this.#held || this.#length === 0) return;
    this.#armed = true;
    this.#world.scheduleDelivery((this.#parcels[this.#head] as Parcel).atUs, this, ARRIVAL);
  }

  #shift(): Parcel {
    const parcel = this.#parcels[this.#head] as Parcel;
    this.#head = (this.#head + 1) & (this.#parcels.length - 1);
    this.#length--;
    return parcel;
  }

  #grow(): void {
    const old = this.#parcels;
    const mask = old.length - 1;
    const grown: Parcel[] = [];
    for (let i = 0; i < old.length; i++) grown.push(old[(this.#head + i) & mask] as Parcel);
    for (let i = 0; i < old.length; i++) grown.push(newParcel());
    this.#parcels = grown;
    this.#head = 0;
  }
}

function newParcel(): Parcel {
  return { sentUs: 0, atUs: 0, code: 0, bytes: NO_BYTES, start: 0, end: 0 };
}
