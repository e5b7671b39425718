/** Messages of the receptionist, one per node on the main thread, at a well-known address. */
import type { AnyRef, Ref } from './ref.ts';

/** A name under which actors that understand `M` are registered and found. */
export interface ServiceKey<in M> {
  readonly id: string;
  /** Never present at run time: ties the key to what its actors accept. */
  readonly accepts?: (message: M) => void;
}

export function serviceKey<M>(id: string): ServiceKey<M> {
  return { id };
}

export type ReceptionistMessage =
  | { readonly type: 'register'; readonly key: string; readonly ref: AnyRef }
  | { readonly type: 'find'; readonly key: string; readonly replyTo: Ref<Listing> }
  | { readonly type: 'subscribe'; readonly key: string; readonly subscriber: Ref<Listing> };

/** All actors now registered under `key`. */
export interface Listing {
  readonly type: 'listing';
  readonly key: string;
  readonly refs: readonly AnyRef[];
}
