/**
 * A sink and a sender for each shard of a soak. The sender sends numbered messages to the sinks of all other shards, as fast as they grant
 * credit, over both paths, and asks them now and then. The sink checks the numbers.
 *
 * The query `?plant=duplicate` or `?plant=reorder` of this module's URL makes senders do wrong, to see that it is found.
 */
import { type Actor, type ActorContext, type ActorDefinition, type Answer, defineActor, type Signal } from '../../../runtime/actor.ts';
import type { ShardStart } from '../../../runtime/definitions.ts';
import { CONTROL } from '../../../runtime/lanes.ts';
import type { AnyRef, Ref } from '../../../runtime/ref.ts';
import {
  type AskCounts,
  collectorKey,
  type Incarnation,
  ITEM_BYTES,
  type Item,
  OPERATION_ITEM,
  type Report,
  type SenderMessage,
  type SinkMessage,
  senderKey,
  sinkKey,
  targetKey,
} from './protocol.ts';
import { SequenceChecker } from './sequence-checker.ts';

const REPORT_EVERY_MS = 100;
/** Messages to one target before it is the next one's turn. */
const BURST = 64;
const ASK_EVERY = 500;
const ASK_TIMEOUT_MS = 1000;
/** Every fourth message takes the binary path, in order with the others. */
const BINARY_EVERY = 4;
const PLANT_EVERY = 1000;
const TEXT = 'x'.repeat(40);
const plant = new URL(import.meta.url).searchParams.get('plant');

export const sink: ActorDefinition<SinkMessage> = defineActor<SinkMessage>(
  'soak.sink',
  (context: ActorContext<SinkMessage>): Actor<SinkMessage> => {
    const checker = new SequenceChecker();
    let collector: Ref<Report> | undefined;
    context.subscribe(collectorKey, (refs) => ({ type: 'collectors', refs }));
    context.every('report', REPORT_EVERY_MS, { type: 'report' });

    return {
      receive(message: SinkMessage): void {
        switch (message.type) {
          case 'item':
            checker.take(message.from, message.n, context.clock.wall());
            return;
          case 'question':
            message.replyTo.tell(message.n);
            return;
          case 'report':
            onReport();
            return;
          case 'collectors':
            collector = message.refs[0];
            return;
        }
      },
      receiveBytes(_operation: number, bytes: Uint8Array, offset: number, length: number): void {
        const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
        checker.take(view.getUint32(0) * 2 ** 32 + view.getUint32(4), view.getUint32(8), context.clock.wall());
      },
    };

    function onReport(): void {
      const { received, gaps, gapCount, violations, violationCount } = checker;
      const pairs = checker.pairs();
      collector?.tell(
        { type: 'sink', ...incarnationOf(context.self), received, pairs, gaps, gapCount, violations, violationCount },
        { lane: CONTROL },
      );
    }
  },
  { mailbox: { overflow: 'credit', capacity: 4096 } },
);

interface Target {
  readonly ref: Ref<SinkMessage>;
  /** Kept when the target is lost from sight, since it may turn out to live. */
  sent: number;
  isListed: boolean;
  isBlocked: boolean;
}

export const sender: ActorDefinition<SenderMessage> = defineActor<SenderMessage>(
  'soak.sender',
  (context: ActorContext<SenderMessage>): Actor<SenderMessage> => {
    const from = (context.random.u32() >>> 11) * 2 ** 32 + context.random.u32();
    const here = placeOf(context.self);
    const targets = new Map<string, Target>();
    const bytes = new Uint8Array(ITEM_BYTES);
    const view = new DataView(bytes.buffer);
    const failed: Record<string, number> = {};
    let asked = 0;
    let answered = 0;
    let latestMs = Number.NEGATIVE_INFINITY;
    let collector: Ref<Report> | undefined;
    let isPumping = false;
    let isHalted = false;
    view.setUint32(0, Math.floor(from / 2 ** 32));
    view.setUint32(4, from >>> 0);
    context.subscribe(targetKey, (refs) => ({ type: 'targets', refs }));
    context.subscribe(collectorKey, (refs) => ({ type: 'collectors', refs }));
    context.every('report', REPORT_EVERY_MS, { type: 'report' });

    return {
      receive(message: SenderMessage): void {
        switch (message.type) {
          case 'targets':
            onTargets(message.refs);
            return;
          case 'collectors':
            collector = message.refs[0];
            return;
          case 'outcome':
            onOutcome(message.deadline, message.code);
            return;
          case 'more':
            isPumping = false;
            pump();
            return;
          case 'report':
            onReport();
            return;
          case 'halt':
            isHalted = true;
            return;
        }
      },
      signal(signal: Signal): void {
        const target = targets.get(signal.ref.toString());
        if (target === undefined) return;
        if (signal.type === 'terminated') target.isListed = false;
        if (signal.type === 'ready') target.isBlocked = false;
        pump();
      },
    };

    function onTargets(refs: readonly Ref<SinkMessage>[]): void {
      for (const target of targets.values()) target.isListed = false;
      for (const ref of refs) {
        if (placeOf(ref) === here) continue;
        const name = ref.toString();
        const known = targets.get(name);
        if (known === undefined) targets.set(name, { ref, sent: 0, isListed: true, isBlocked: false });
        else known.isListed = true;
        context.watch(ref);
      }
      pump();
    }

    function pump(): void {
      if (isHalted || isPumping) return;
      let isLeft = false;
      for (const target of targets.values()) {
        for (let i = 0; i < BURST && target.isListed && !target.isBlocked; i++) send(target);
        if (target.isListed && !target.isBlocked) isLeft = true;
      }
      if (!isLeft) return;
      isPumping = true;
      context.self.tell({ type: 'more' });
    }

    function send(target: Target): void {
      const n = wrongly(target.sent + 1);
      if (!offer(target.ref, n)) {
        target.isBlocked = true;
        return;
      }
      target.sent++;
      if (target.sent % ASK_EVERY === 0) ask(target.ref);
    }

    function offer(ref: Ref<SinkMessage>, n: number): boolean {
      if (n % BINARY_EVERY !== 0) return ref.tell({ type: 'item', from, n, text: TEXT } satisfies Item);
      view.setUint32(8, n);
      return ref.tellBytes(OPERATION_ITEM, bytes, 0, bytes.length);
    }

    function ask(ref: Ref<SinkMessage>): void {
      asked++;
      const deadline = context.clock.now() + ASK_TIMEOUT_MS;
      const outcome = (answer: Answer<number>): SenderMessage => ({ type: 'outcome', deadline, code: answer.ok ? '' : answer.error.code });
      context.ask<SinkMessage, number>(ref, (replyTo) => ({ type: 'question', n: asked, replyTo }), { timeoutMs: ASK_TIMEOUT_MS }, outcome);
    }

    function onOutcome(deadline: number, code: string): void {
      latestMs = Math.max(latestMs, context.clock.now() - deadline);
      if (code === '') answered++;
      else failed[code] = (failed[code] ?? 0) + 1;
    }

    function onReport(): void {
      const sent = [...targets.values()].map((target) => ({
        to: incarnationOf(target.ref),
        count: target.sent,
        isBlocked: target.isBlocked,
      }));
      const asks: AskCounts = { asked, answered, failed, latestMs };
      collector?.tell({ type: 'sender', ...incarnationOf(context.self), from, sent, asks, isHalted }, { lane: CONTROL });
    }
  },
);

/** The number to send where `n` is due: another one where a bug is planted. */
function wrongly(n: number): number {
  if (plant === 'duplicate' && n % PLANT_EVERY === 0) return n - 1;
  if (plant === 'reorder' && n % PLANT_EVERY < 2 && n > 1) return n % PLANT_EVERY === 0 ? n + 1 : n - 1;
  return n;
}

function placeOf(ref: AnyRef): string {
  const { node, shard } = ref.address;
  return `${node}/${shard}`;
}

function incarnationOf(ref: AnyRef): Incarnation {
  return { place: placeOf(ref), boot: ref.address.boot };
}

export function startShard(start: ShardStart): void {
  const ref = start.spawn(sink, []);
  start.register(sinkKey, ref);
  start.register(targetKey, ref);
  start.register(senderKey, start.spawn(sender, []));
}
