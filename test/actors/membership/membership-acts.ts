/** What operators do in a membership run: operations at some node, at the time and with the draw that the plan says. */
import { RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import { memberOf } from '../../../actors/membership/joining.ts';
import type { Planner } from '../../../actors/membership/transition-driver.ts';
import type { NewKeyspace, Operation, OperationOutcome, Proposal } from '../../../actors/ring/operation.ts';
import { hashOfRing } from '../../../actors/ring/ring-codec.ts';
import type { Id, RingState } from '../../../actors/ring/ring-state.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { ActItem } from '../../../runtime/simulation/plan.ts';
import type { SimNode } from '../../../runtime/simulation/sim-node.ts';
import type { Simulation } from '../../../runtime/simulation/simulation.ts';
import type { GodView, Start } from './god-view.ts';
import { idFrom } from './membership-knobs.ts';

/** Acts that propose an operation: their name is its type. `renew` empties the disk of a node that was removed or fenced off, `restart` starts one that has ended
 * by itself; `force` is for a lost majority. */
export const ACTIONS = [
  ...(['removeMember', 'replaceMember', 'setCapacity', 'createKeyspace', 'alterKeyspace', 'dropKeyspace', 'excludeMember'] as const),
  ...(['includeMember', 'beginTransition', 'advance', 'cancelTransition', 'addMember', 'renew', 'restart', 'force'] as const),
];
export type Action = (typeof ACTIONS)[number];

const ASK_MS = 2000;
const KEYSPACES = 4;

export interface Operator {
  readonly simulation: Simulation;
  readonly god: GodView;
  readonly plan: Planner;
  /** Remembers an operation and what came of it. */
  asked(proposal: Proposal, where: string, answer: () => OperationOutcome | 'unknown' | undefined): void;
  /** Empties the disk of a machine, and starts it. */
  renew(machine: string): void;
  isGone(start: Start): boolean;
}

export function act(operator: Operator, { node: name, action, draw, atMs }: ActItem): void {
  const { simulation, god } = operator;
  const random = new SeededRandom(`${name} ${action} ${draw}`);
  const node = simulation.node(name);
  if (action === 'renew') return renew(operator, node);
  if (action === 'restart') return restart(operator, node);
  const ring = god.history.newest?.state;
  if (!node.isUp || ring === undefined || god.here(name) === undefined) return;
  const operationId = idFrom(random.fork(`id ${atMs}`));
  if (action === 'force') return force(operator, node, ring, operationId);
  const operation = operationOf(action as Operation['type'], ring, operator, random);
  if (operation === null) return;
  const proposal = { operationId, operation };
  const holder = simulation.ask<RingMessage, OperationOutcome>(ringActorOf(node), (replyTo) => ({ type: 'propose', proposal, replyTo }), {
    timeoutMs: ASK_MS,
  });
  operator.asked(proposal, name, () => outcomeOf(holder.answer));
}

function outcomeOf(
  answer: { readonly ok: true; readonly value: OperationOutcome } | { readonly ok: false } | undefined,
): OperationOutcome | 'unknown' | undefined {
  if (answer === undefined) return undefined;
  return answer.ok ? answer.value : 'unknown';
}

function renew(operator: Operator, node: SimNode): void {
  const start = operator.god.here(node.name);
  if (start !== undefined && operator.isGone(start)) operator.renew(node.name);
}

/** As what watches a process does when it has ended by itself. */
function restart({ simulation, god }: Operator, node: SimNode): void {
  if (god.here(node.name)?.hasEnded === true) simulation.restart(node.name);
}

/** The nodes that live are left, and those that do not are stopped for good: as `ring force` asks of the operator. */
function force(operator: Operator, node: SimNode, ring: RingState, operationId: Id): void {
  const { simulation, god } = operator;
  const living = simulation.nodes.filter(({ isUp }) => isUp).flatMap(({ name }) => god.here(name) ?? []);
  const survivors = living.filter(({ identity, isStale }) => !isStale && ring.members.some(({ id }) => id === identity.id));
  const voters = ring.members.filter(({ state }) => state !== 'joining').length;
  // Only when the majority is lost; and never a second time, by whom has not heard of the first.
  if (ring.generation > 1 || survivors.length > voters / 2 || !survivors.some(({ machine }) => machine === node.name)) return;
  for (const { name, isUp } of simulation.nodes) if (!isUp) operator.renew(name);
  god.note('ring force was asked for');
  const ids = survivors.map(({ identity }) => identity.id);
  simulation.ask<RingMessage, OperationOutcome>(ringActorOf(node), (replyTo) => ({ type: 'force', operationId, survivors: ids, replyTo }), {
    timeoutMs: ASK_MS,
  });
}

function ringActorOf(node: SimNode): Ref<RingMessage> {
  return node.main.runtime.wellKnown(RING_SLOT) as unknown as Ref<RingMessage>;
}

/** Null: there is nothing that it could be about. */
function operationOf(action: Operation['type'], ring: RingState, { god, plan }: Operator, random: SeededRandom): Operation | null {
  const { members, transition, banned } = ring;
  const { id } = members[random.below(members.length)]!;
  const name = `k${random.below(KEYSPACES)}`;
  switch (action) {
    case 'removeMember':
      // Mostly no more than the cluster can spare.
      return members.length > 3 || random.chance(0.3) ? { type: 'removeMember', id } : null;
    case 'replaceMember': {
      const spare = god.starts.findLast(({ identity }) => !members.some((member) => member.id === identity.id));
      return spare === undefined ? null : { type: 'replaceMember', id, member: memberOf(spare.identity) };
    }
    case 'setCapacity':
      return { type: 'setCapacity', id, capacity: 1 + random.below(4) };
    case 'createKeyspace':
      return { type: 'createKeyspace', keyspace: keyspaceOf(name, random) };
    case 'alterKeyspace':
      return { type: 'alterKeyspace', name, changes: { n: 1 + random.below(5), ttlMs: random.below(1000) } };
    case 'dropKeyspace':
      return { type: 'dropKeyspace', name };
    case 'excludeMember':
      return { type: 'excludeMember', id };
    case 'includeMember':
      return { type: 'includeMember', id };
    case 'beginTransition': {
      if (transition !== null) return null;
      // Now and then by who has planned it from the ring before.
      if (random.chance(0.4)) return { type: 'beginTransition', parent: ring.parent, owners: rotated(ring.owners) };
      const owners = plan(ring);
      return owners === null ? null : { type: 'beginTransition', parent: hashOfRing(ring), owners };
    }
    case 'advance':
      // Of a step that is over, or has not come: only who drives may say that the present one is complete.
      return transition === null || transition.step === 'stream'
        ? null
        : { type: 'advance', startedAt: transition.startedAt, step: 'stream' };
    case 'cancelTransition':
      return transition === null ? null : { type: 'cancelTransition', startedAt: transition.startedAt };
    case 'addMember':
      return duplicateOf(ring, banned, god, random);
    default:
      return null;
  }
}

/** A member that is there already at another address; or one that had left: neither may come in. */
function duplicateOf(ring: RingState, banned: readonly Id[], god: GodView, random: SeededRandom): Operation | null {
  const start = god.starts[random.below(god.starts.length)]!;
  const member = memberOf(start.identity);
  const { address } = member;
  if (banned.includes(member.id)) return { type: 'addMember', member };
  if (!ring.members.some(({ id }) => id === member.id)) return null;
  const node = `${address.node}x`;
  return { type: 'addMember', member: { ...member, name: `${member.name}x`, address: { ...address, node } } };
}

function rotated(owners: Uint16Array): Uint16Array {
  return owners.map((_, p) => owners[(p + 1) % owners.length]!);
}

function keyspaceOf(name: string, random: SeededRandom): NewKeyspace {
  return {
    ...{ name, n: 1 + random.below(4), r: 'quorum', w: 'quorum', mode: 'ap', conflict: 'siblings', durability: 'sync' },
    ...{ pr: 0, pw: 0, ttlMs: 0, keyBytesMax: 1024, valueBytesMax: 65_536 },
  };
}
