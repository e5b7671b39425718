/** Takes what transports bring in: frames for actors and asks, and the news of links and places. */
import type { TerminationReason } from './actor.ts';
import { CREDIT_SLOT_BIT, type Place, placeName } from './address.ts';
import type { Cell } from './cell.ts';
import { creditForNobody, creditGranted, creditRequested, creditReturned, creditUsed, forgetCredit } from './credit.ts';
import { RuntimeError } from './errors.ts';
import { BULK_CLASS, CONTROL_CLASS, type Lane, SYSTEM } from './lanes.ts';
import { drainCell, stopCell } from './lifecycle.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Peer } from './peer.ts';
import { RemoteRef } from './remote-ref.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { isAsk, reject } from './undelivered.ts';
import {
  ACCEPTED,
  DROPPED,
  NO_SUCH_ACTOR,
  rejectionError,
  rejectionReason,
  TERMINATION_REASONS,
  terminationNumber,
  type Verdict,
  WAIT,
} from './verdict.ts';
import { addWatcher, placeDown, remoteTerminated, removeWatcher, resendWatches } from './watch.ts';
import {
  BYTES_PREFIX_BYTES,
  checkFrame,
  FRAME_HEADER_BYTES,
  KIND_BYTES,
  KIND_SIGNAL,
  KIND_TELL,
  NO_DEADLINE,
  protocolError,
  SIGNAL_CREDIT_GRANT,
  SIGNAL_CREDIT_REQUEST,
  SIGNAL_CREDIT_RETURN,
  SIGNAL_REJECTED,
  SIGNAL_STOP,
  SIGNAL_TERMINATED,
  SIGNAL_UNWATCH,
  SIGNAL_WATCH,
} from './wire/frame.ts';

/** A batch of this many frames shows the planted bug `reorder`. */
const REORDER_FRAMES = 3;
/** Payloads from here on count as bytes held; shorter ones are bounded by their number. */
const LARGE_BYTES = 1024;

export class FrameReceiver implements LinkEvents {
  readonly #runtime: ShardRuntime;
  #congested = false;

  constructor(runtime: ShardRuntime) {
    this.#runtime = runtime;
  }

  get congested(): boolean {
    if (this.#load >= 1) this.#congested = true;
    return this.#congested;
  }

  /** Carriers were told not to read. */
  get isHoldingBack(): boolean {
    return this.#congested;
  }

  /** Called at the end of each run: lets paused carriers read again. */
  endRun(): void {
    if (!this.#congested || this.#load > 0.5) return;
    this.#congested = false;
    this.#runtime.resumeTransport();
  }

  /** Share of what may be held. */
  get #load(): number {
    const { backlog, backlogBytes, options } = this.#runtime;
    return Math.max(backlog / options.backlogMax, backlogBytes / options.backlogBytesMax);
  }

  onFrames(link: Link, buffer: Buffer, start: number, end: number): void {
    const runtime = this.#runtime;
    const peer = runtime.peers.of(link);
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    runtime.metrics.bytesIn += end - start;
    if (runtime.mutants.has('reorder')) {
      this.#framesOutOfOrder(link, peer, buffer, view, start, end);
      return;
    }
    for (let at = start; at < end; ) {
      const next = checkFrame(view, at, end);
      this.#frame(link, peer, buffer, view, at, next);
      at = next;
    }
  }

  #frame(link: Link, peer: Peer, buffer: Buffer, view: DataView, at: number, next: number): void {
    this.#runtime.metrics.framesIn++;
    const kind = view.getUint8(at + 7);
    if (kind === KIND_TELL) this.#tell(link, peer, buffer, view, at, next);
    else if (kind === KIND_BYTES) this.#bytes(link, peer, buffer, view, at, next);
    else if (kind === KIND_SIGNAL) this.#signal(link, peer, view, at, next);
    else throw protocolError(`frame of kind ${kind}, expected ${KIND_TELL}, ${KIND_BYTES} or ${KIND_SIGNAL}`);
  }

  #tell(link: Link, peer: Peer, buffer: Buffer, view: DataView, at: number, next: number): void {
    const runtime = this.#runtime;
    const lane = laneOf(view, at);
    const slot = view.getUint32(at + 11);
    const uid = view.getUint32(at + 15);
    const trusted = link.place.node === runtime.node;
    let message: unknown;
    try {
      // Decoded also where nobody waits for it: a peer that sends what can't be decoded is told so at once.
      message = runtime.codec.decode(buffer, at + FRAME_HEADER_BYTES, next, { place: link.place, boot: link.peerBoot }, trusted);
    } catch (error) {
      runtime.deadLetters.add('undecodable', { toString: () => `${placeName(runtime.place)}#${slot}.${uid}` }, undefined);
      throw error;
    }
    if (isAsk(slot)) {
      const ask = runtime.asks.find(slot, uid);
      if (ask === undefined) runtime.deadLetters.add('lateReply', { toString: () => `ask of ${placeName(runtime.place)}` }, message);
      else ask.tell(message);
      return;
    }
    const cell = this.#target(peer, slot, uid, view, at);
    if (cell === undefined) return;
    const paid = (slot & CREDIT_SLOT_BIT) !== 0 && creditUsed(cell, peer);
    const size = next - at - FRAME_HEADER_BYTES;
    const deadline = this.#deadline(view, at);
    const senderSlot = view.getUint32(at + 19);
    const senderUid = view.getUint32(at + 23);
    const verdict = cell.offer(message, lane, deadline, link.index, senderSlot, senderUid, size < LARGE_BYTES ? 0 : size, paid);
    if (verdict === WAIT) runtime.deadLetters.add('overflow', cell.ref, message);
    if (verdict !== ACCEPTED) this.#refuse(link, senderSlot, senderUid, cell, verdict);
  }

  #bytes(link: Link, peer: Peer, buffer: Buffer, view: DataView, at: number, next: number): void {
    const offset = at + FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES;
    if (offset > next || view.getUint8(at + FRAME_HEADER_BYTES) !== 0x5a || view.getUint32(at + FRAME_HEADER_BYTES + 1) !== next - offset) {
      throw protocolError(`payload of a binary frame: expected 5a, u32 length ${next - offset} and the bytes`);
    }
    const lane = laneOf(view, at);
    const slot = view.getUint32(at + 11);
    const cell = this.#target(peer, slot, view.getUint32(at + 15), view, at);
    if (cell === undefined) return;
    const paid = (slot & CREDIT_SLOT_BIT) !== 0 && creditUsed(cell, peer);
    const operation = view.getUint16(at + 9);
    const senderSlot = view.getUint32(at + 19);
    const senderUid = view.getUint32(at + 23);
    const deadline = this.#deadline(view, at);
    const requestId = view.getUint32(at + 31);
    const { index } = link;
    const verdict = cell.offerBytes(
      operation,
      buffer,
      offset,
      next - offset,
      lane,
      deadline,
      index,
      senderSlot,
      senderUid,
      requestId,
      paid,
    );
    if (verdict === WAIT) this.#runtime.deadLetters.addOperation('overflow', cell.ref, operation);
    if (verdict !== ACCEPTED) this.#refuse(link, senderSlot, senderUid, cell, verdict);
  }

  /** The actor that a message is for; when there is none, its sender is told. */
  #target(peer: Peer, slot: number, uid: number, view: DataView, at: number): Cell | undefined {
    const runtime = this.#runtime;
    const cell = runtime.find(slot, uid);
    if (cell !== undefined) return cell;
    runtime.deadLetters.add('noSuchActor', { toString: () => `${placeName(runtime.place)}#${slot}.${uid}` }, undefined);
    const sender = view.getUint32(at + 19);
    if (sender !== 0) peer.signal(SIGNAL_REJECTED, sender, view.getUint32(at + 23), slot, uid, NO_SUCH_ACTOR, CONTROL_CLASS);
    return undefined;
  }

  /** The sender is told, except of what a policy of dropping drops; but an ask always has an outcome. */
  #refuse(link: Link, senderSlot: number, senderUid: number, cell: Cell, verdict: Verdict): void {
    if (verdict !== DROPPED || isAsk(senderSlot)) reject(this.#runtime, link.index, senderSlot, senderUid, cell, verdict);
  }

  #deadline(view: DataView, at: number): number {
    const remaining = view.getUint32(at + 27);
    return remaining === NO_DEADLINE ? 0 : this.#runtime.deadlineIn(remaining);
  }

  #signal(link: Link, peer: Peer, view: DataView, at: number, next: number): void {
    const runtime = this.#runtime;
    if (next - at !== FRAME_HEADER_BYTES + 1 || view.getUint8(at + FRAME_HEADER_BYTES) !== 0xf6)
      throw protocolError('payload of a signal: expected f6');
    const operation = view.getUint16(at + 9);
    const slot = view.getUint32(at + 11);
    const uid = view.getUint32(at + 15);
    const senderSlot = view.getUint32(at + 19);
    const senderUid = view.getUint32(at + 23);
    const argument = view.getUint32(at + 31);
    const cell = runtime.find(slot, uid);
    switch (operation) {
      case SIGNAL_WATCH:
        if (cell !== undefined) addWatcher(cell, new RemoteRef(peer, link.peerBoot, senderSlot, senderUid));
        else peer.mustSignal(SIGNAL_TERMINATED, senderSlot, senderUid, slot, uid, terminationNumber('noSuchActor'), CONTROL_CLASS);
        return;
      case SIGNAL_UNWATCH:
        if (cell !== undefined) removeWatcher(cell, new RemoteRef(peer, link.peerBoot, senderSlot, senderUid));
        return;
      case SIGNAL_TERMINATED:
        if (cell !== undefined)
          remoteTerminated(cell, { ...link.place, boot: link.peerBoot, slot: senderSlot, uid: senderUid }, reasonOf(argument));
        return;
      case SIGNAL_REJECTED:
        if (isAsk(slot)) runtime.asks.find(slot, uid)?.fail(rejectionError(argument, `${peer.toString()}#${senderSlot}.${senderUid}`));
        else
          cell?.pushSignal({
            type: 'rejected',
            ref: new RemoteRef(peer, link.peerBoot, senderSlot, senderUid),
            reason: rejectionReason(argument),
          });
        return;
      case SIGNAL_STOP:
        // Threads of one node trust each other; a machine stops only its own actors.
        if (link.place.node !== runtime.node) throw protocolError('signal `stop` from another node');
        if (cell === undefined) return;
        if (argument === 1) drainCell(cell);
        else stopCell(cell, 'stopped', 'stopped');
        return;
      case SIGNAL_CREDIT_REQUEST:
        if (cell === undefined) creditForNobody(peer, slot, uid, argument);
        else creditRequested(cell, peer, argument);
        return;
      case SIGNAL_CREDIT_GRANT:
        creditGranted(peer, senderSlot, senderUid, argument);
        return;
      case SIGNAL_CREDIT_RETURN:
        if (cell !== undefined) creditReturned(cell, peer, argument);
        return;
      default:
        throw protocolError(`signal ${operation}, expected 1 to 8`);
    }
  }

  onLinkUp(link: Link): void {
    const peer = this.#runtime.peers.of(link);
    const before = peer.boot;
    peer.isUnreachable = false;
    peer.setUp(link.laneClass, true);
    if (link.peerBoot > before) {
      peer.boot = link.peerBoot;
      // Asks made since the end of the boot before was reported are meant for the new one.
      if (before > peer.endedBoot) this.onPlaceDown(link.place, before, 'shardDown');
      // Boots of a place strictly rise, so that all before are over, whether they were known here or not.
      peer.endedBoot = Math.max(peer.endedBoot, link.peerBoot - 1);
    }
    if (link.laneClass === CONTROL_CLASS) resendWatches(peer);
  }

  onLinkDown(link: Link, reason: string, lostFrames: number): void {
    const runtime = this.#runtime;
    const peer = runtime.peers.of(link);
    peer.setUp(link.laneClass, false);
    const lost = lostFrames + (link.laneClass === BULK_CLASS ? forgetUnsent(link) : 0);
    if (lost > 0) runtime.deadLetters.addLost(peer, reason, lost);
    peer.dropDeferred(link.laneClass);
    if (link.laneClass === BULK_CLASS) forgetCredit(peer);
    // Watches that were begun since, and have waited for a connection in vain.
    else if (peer.isUnreachable) placeDown(peer, 0, 'unreachable');
    if (link.hasWaiters) this.onLinkDrained(link);
  }

  onLinkDrained(link: Link): void {
    const peer = this.#runtime.peers.of(link);
    link.hasWaiters = false;
    peer.sendDeferred(link.laneClass);
    peer.waiters[link.laneClass]?.wakeAll();
  }

  onPlaceDown(place: Place, boot: number, reason: 'shardDown' | 'unreachable'): void {
    const runtime = this.#runtime;
    const peer = runtime.peers.get(place.node, place.shard);
    if (reason === 'shardDown') peer.endedBoot = Math.max(peer.endedBoot, boot);
    else peer.isUnreachable = true;
    forgetCredit(peer);
    if (reason === 'shardDown') {
      peer.windows.clear();
      runtime.deadLetters.forgetWhere((ref) => ref instanceof RemoteRef && ref.peer === peer && ref.isStale);
    }
    placeDown(peer, boot, reason);
    runtime.asks.failAll((ask) =>
      ask.target === peer
        ? new RuntimeError('UNREACHABLE', `${placeName(place)} went down (${reason}); the request may have been executed`)
        : undefined,
    );
  }

  #framesOutOfOrder(link: Link, peer: Peer, buffer: Buffer, view: DataView, start: number, end: number): void {
    const frames: [number, number][] = [];
    for (let at = start; at < end; ) {
      const next = checkFrame(view, at, end);
      frames.push([at, next]);
      at = next;
    }
    if (frames.length >= REORDER_FRAMES) frames.push(...frames.splice(-2).reverse());
    for (const [at, next] of frames) this.#frame(link, peer, buffer, view, at, next);
  }
}

/** The lane of a message. The highest is the runtime's own: what is in it is not checked again. */
function laneOf(view: DataView, at: number): Lane {
  const lane = view.getUint8(at + 8) as Lane;
  if (lane === SYSTEM) throw protocolError('a message in lane 0, expected 1 to 4');
  return lane;
}

function reasonOf(number: number): TerminationReason {
  return TERMINATION_REASONS[number] ?? 'stopped';
}

/**
 * What waits in a bulk link goes with the connection that broke: a grant of credit, or a message sent on the strength of one, must not
 * outlive what both ends forget now. Returns how many frames there were.
 */
function forgetUnsent(link: Link): number {
  const frames = link.outFrames;
  link.out.clear();
  link.outFrames = 0;
  return frames;
}
