/**
 * Death watch. Both ends keep a record: the watched actor of who wants to know, the watcher of whom it awaits news of, so that each gets exactly
 * one `terminated`, whether the actor ended, its thread died, or its machine went out of reach. A watch that was lost with a
 * connection is sent again when the connection is back.
 */
import type { Signal, TerminationReason } from './actor.ts';
import { type Address, addressName } from './address.ts';
import type { Cell } from './cell.ts';
import { ENDED } from './cell-state.ts';
import { CONTROL_CLASS } from './lanes.ts';
import { LocalRef } from './local-ref.ts';
import type { Peer } from './peer.ts';
import { rareOf } from './rare-state.ts';
import type { AnyRef } from './ref.ts';
import { RemoteRef } from './remote-ref.ts';
import { terminationNumber } from './verdict.ts';
import { SIGNAL_TERMINATED, SIGNAL_UNWATCH, SIGNAL_WATCH } from './wire/frame.ts';

/** One actor's wish to hear of another's end. */
export interface Watch {
  readonly watcher: Cell;
  readonly ref: AnyRef;
  /** The news, queued and not handled yet: nothing more is told about this watch. */
  news: Signal | null;
}

/** A watch as seen from the watched actor. */
export interface Watcher {
  readonly cell: Cell;
  readonly ref: AnyRef;
}

export function watch(watcher: Cell, ref: AnyRef): void {
  const rare = rareOf(watcher);
  rare.watching ??= new Map();
  const key = addressName(ref.address);
  if (rare.watching.has(key)) return;
  const entry: Watch = { watcher, ref, news: null };
  rare.watching.set(key, entry);
  if (ref instanceof RemoteRef) {
    if (ref.isStale) return tell(entry, 'shardDown');
    if (ref.peer.link(CONTROL_CLASS) === null) return tell(entry, 'unreachable');
    ref.peer.watching.add(entry);
    sendWatch(entry, ref);
  } else if (ref instanceof LocalRef && ref.cell.state !== ENDED) {
    addWatcher(ref.cell, watcher.ref);
  } else {
    tell(entry, 'noSuchActor');
  }
}

export function unwatch(watcher: Cell, ref: AnyRef): void {
  const key = addressName(ref.address);
  const entry = watcher.rare?.watching?.get(key);
  if (entry === undefined) return;
  watcher.rare?.watching?.delete(key);
  dropWatch(entry);
}

/** The cell has ended: nobody needs to tell it anything any more. */
export function forgetWatches(cell: Cell): void {
  const watching = cell.rare?.watching ?? null;
  if (watching === null) return;
  for (const entry of watching.values()) dropWatch(entry);
  watching.clear();
}

/** The cell has ended: tells everybody who asked. */
export function tellWatchers(cell: Cell, reason: TerminationReason): void {
  const watchers = cell.rare?.watchers ?? null;
  if (watchers === null) return;
  const key = addressName(cell.ref.address);
  for (const watcher of watchers.values()) {
    const { ref } = watcher;
    if (ref instanceof LocalRef) {
      const entry = ref.cell.rare?.watching?.get(key);
      if (entry !== undefined) tell(entry, reason);
    } else if (ref instanceof RemoteRef) {
      ref.peer.watched.delete(watcher);
      ref.peer.mustSignal(SIGNAL_TERMINATED, ref.slot, ref.uid, cell.slot, cell.uid, terminationNumber(reason), CONTROL_CLASS);
    }
  }
  watchers.clear();
}

/** Idempotent. */
export function addWatcher(cell: Cell, ref: AnyRef): void {
  const rare = rareOf(cell);
  rare.watchers ??= new Map();
  const key = addressName(ref.address);
  if (rare.watchers.has(key)) return;
  const watcher: Watcher = { cell, ref };
  rare.watchers.set(key, watcher);
  if (ref instanceof RemoteRef) ref.peer.watched.add(watcher);
}

export function removeWatcher(cell: Cell, ref: AnyRef): void {
  const key = addressName(ref.address);
  const watcher = cell.rare?.watchers?.get(key);
  if (watcher === undefined) return;
  cell.rare?.watchers?.delete(key);
  if (watcher.ref instanceof RemoteRef) watcher.ref.peer.watched.delete(watcher);
}

/** A `terminated` is wanted once, and only while it is watched for; other signals always. */
export function takeIfWanted(cell: Cell, signal: Signal): boolean {
  if (signal.type !== 'terminated') return true;
  const key = addressName(signal.ref.address);
  const watching = cell.rare?.watching;
  // Not the news of a watch that was given up, when there is a new one for the same actor.
  if (watching?.get(key)?.news !== signal) return false;
  watching.delete(key);
  return true;
}

/** The actor at `address`, elsewhere, has ended, or there is none. */
export function remoteTerminated(watcher: Cell, address: Address, reason: TerminationReason): void {
  // Boot 0: watched by the address of a well-known actor.
  for (const boot of [address.boot, 0]) {
    const entry = watcher.rare?.watching?.get(addressName({ ...address, boot }));
    if (entry !== undefined) tell(entry, reason);
  }
}

/** A place is gone under `boot`: everything watched there has ended, as far as one can tell, and whoever watched from there has too. */
export function placeDown(peer: Peer, boot: number, reason: 'shardDown' | 'unreachable'): void {
  for (const entry of [...peer.watching]) {
    if (reason === 'unreachable' || entry.ref.address.boot <= boot) tell(entry, reason);
  }
  // Whoever is only out of reach may still live, and watch.
  if (reason === 'unreachable') return;
  for (const watcher of [...peer.watched]) {
    if (watcher.ref.address.boot <= boot) removeWatcher(watcher.cell, watcher.ref);
  }
}

/** A connection to `peer` is there (again): what was watched may have been lost with the one before. Watching twice does no harm. */
export function resendWatches(peer: Peer): void {
  for (const entry of [...peer.watching]) {
    const ref = entry.ref as RemoteRef;
    if (ref.isStale) tell(entry, 'shardDown');
    else sendWatch(entry, ref);
  }
}

function sendWatch(entry: Watch, ref: RemoteRef): void {
  const { slot, uid } = entry.watcher;
  ref.peer.mustSignal(SIGNAL_WATCH, ref.slot, ref.uid, slot, uid, 0, CONTROL_CLASS);
}

function tell(entry: Watch, reason: TerminationReason): void {
  if (entry.news !== null) return;
  const { watcher, ref } = entry;
  entry.news = { type: 'terminated', ref, reason };
  if (ref instanceof RemoteRef) ref.peer.watching.delete(entry);
  watcher.pushSignal(entry.news);
}

/** The watch is over without news. */
function dropWatch(entry: Watch): void {
  const { watcher, ref } = entry;
  if (entry.news !== null) return;
  if (ref instanceof RemoteRef) {
    ref.peer.watching.delete(entry);
    // Lost or refused, it costs one piece of news that the watcher then ignores.
    if (!ref.isStale) ref.peer.signal(SIGNAL_UNWATCH, ref.slot, ref.uid, watcher.slot, watcher.uid, 0, CONTROL_CLASS);
  } else if (ref instanceof LocalRef) {
    removeWatcher(ref.cell, watcher.ref);
  }
}
