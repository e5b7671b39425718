/** What must hold at the end of a membership run, when nothing has gone wrong for long. */
import { compareVersions, type Id, type Member, type RingState, type RingVersion } from '../../../actors/ring/ring-state.ts';
import { voters } from '../../../actors/ring/voters.ts';
import type { Start } from './god-view.ts';
import type { Asked, MembershipRun } from './membership-workload.ts';
import { keyOf } from './ring-history.ts';

export function checkEnd(run: MembershipRun): void {
  checkOutcomes(run);
  const { god } = run;
  const { history } = god;
  if (history.contested > 0) god.note('two values were accepted for one epoch, and one lost');
  if (history.adoptedValues > 0) god.note('a value was accepted again under a later ballot');
  if (history.all.some(({ state }) => state.generation > 1)) god.note('a ring was forced');
  const ring = history.newest?.state;
  if (ring === undefined) return;
  const living = livingStarts(run);
  if (!hasMajority(run, ring, living)) return run.god.note('no majority was left');
  checkRings(run, ring, living);
  checkLabels(run, ring, living);
  checkCompleted(run, ring, living);
}

/** Starts that run now, of real directories, by id. */
function livingStarts({ simulation, god }: MembershipRun): ReadonlyMap<Id, Start> {
  const living = new Map<Id, Start>();
  for (const { name, isUp, main } of simulation.nodes) {
    const start = god.here(name);
    if (isUp && start !== undefined && start.threadBoot === main.boot && !start.isStale) living.set(start.identity.id, start);
  }
  return living;
}

/** So many voters live, where the ring says, that each of them gets confirmed, and they decide (registering.ts). */
function hasMajority({ knobs }: MembershipRun, ring: RingState, living: ReadonlyMap<Id, Start>): boolean {
  const all = voters(ring);
  const alive = all.filter(({ id, address }) => living.get(id)?.machine === address.host).length;
  const majority = Math.floor(all.length / 2) + 1;
  const others = Math.min(all.length - 1, all.length - majority + 1);
  return alive >= majority && (knobs.profile !== 'disks' || alive - 1 >= others);
}

function checkOutcomes(run: MembershipRun): void {
  for (const asked of run.asked) checkOutcome(run, asked);
}

function checkOutcome({ simulation, god }: MembershipRun, { proposal, where, isRemote, answer }: Asked): void {
  const { history } = god;
  const outcome = answer();
  const decided = history.decidedIn(proposal.operationId);
  const what = `${proposal.operation.type} ${proposal.operationId.slice(0, 6)} at ${where}`;
  simulation.check(decided.length <= 1, 'an operation was done twice', () => `${what}: ${decided.join(', ')}`);
  if (outcome === undefined || outcome === 'unknown') return;
  if (outcome.ok) {
    god.note('an operation was done');
    simulation.check(
      history.isDoneAt(outcome.version, proposal),
      'an operation that was answered as done is not',
      () => `${what}: said to be done at ${keyOf(outcome.version)}, was at ${decided.join(', ') || 'none'}`,
    );
    return;
  }
  god.note(`outcome ${outcome.code}`);
  if (outcome.code === 'INDETERMINATE' || isRemote) return;
  simulation.check(
    decided.length === 0,
    'an operation that was answered as refused was done',
    () => `${what}: ${outcome.code}, was done at ${decided.join(', ')}`,
  );
}

function checkRings({ simulation, god }: MembershipRun, ring: RingState, living: ReadonlyMap<Id, Start>): void {
  for (const { id } of ring.members) {
    const start = living.get(id);
    if (start === undefined) continue;
    const where = `${start.machine} (${id.slice(0, 6)})`;
    const own = start.last?.ring ?? null;
    simulation.check(
      isSame(own, ring),
      'a living node has not got the newest ring',
      () => `${where}: ${nameOf(own)}, newest ${keyOf(ring)}`,
    );
    for (const shard of start.holders.keys()) {
      const has = start.switchedTo.get(shard) ?? null;
      simulation.check(
        isSame(has, ring),
        'a shard has not switched to the newest ring',
        () => `${where}/${shard}: ${nameOf(has)}, newest ${keyOf(ring)}`,
      );
    }
  }
  // A ring has no room for more members than it has partitions.
  if (ring.members.length >= ring.owners.length) return;
  for (const start of living.values()) {
    const { id } = start.identity;
    const isIn =
      ring.members.some((member) => member.id === id) ||
      ring.banned.includes(id) ||
      god.history.all.some(({ state }) => state.banned.includes(id));
    simulation.check(isIn, 'a node could not join', () => `${start.machine} (${id.slice(0, 6)}), newest ${keyOf(ring)}`);
  }
}

function checkLabels({ simulation }: MembershipRun, ring: RingState, living: ReadonlyMap<Id, Start>): void {
  for (const { id } of ring.members) {
    const start = living.get(id);
    if (start === undefined) continue;
    for (const member of ring.members) checkLabel(simulation, start, member, living.has(member.id));
  }
}

function checkLabel(simulation: MembershipRun['simulation'], start: Start, { id }: Member, isAlive: boolean): void {
  const seen = start.view?.members.find((member) => member.id === id);
  const name = (): string =>
    `${id.slice(0, 6)} as ${start.machine} sees it: ${seen?.label ?? 'unknown'}, ${seen?.accusers.length ?? 0} accusers`;
  if (isAlive) {
    simulation.check(seen?.label === 'up', 'a living member is not called up', name);
    simulation.check((seen?.accusers.length ?? 0) === 0, 'a healthy member is still accused', name);
  } else {
    simulation.check(seen?.label === 'down', 'a dead member is not called down', name);
  }
}

/** What is under way is brought to its end by the members themselves, when all of them are there. */
function checkCompleted({ simulation, god }: MembershipRun, ring: RingState, living: ReadonlyMap<Id, Start>): void {
  if (!ring.members.every(({ id }) => living.has(id))) return god.note('members were lost for good');
  const detail = (): string =>
    `${keyOf(ring)}: ${ring.transition?.step ?? 'no transition'}; ${ring.members.map(({ state }) => state).join(', ')}`;
  simulation.check(ring.transition === null, 'a transition was not completed', detail);
  simulation.check(
    ring.members.every(({ state }) => state === 'up'),
    'a member is still joining or leaving',
    detail,
  );
  simulation.check(
    ring.members.every(({ isExcluded }) => !isExcluded),
    'a healthy member is still excluded',
    detail,
  );
  for (const { id } of ring.members) {
    for (const [shard, { mayServe }] of living.get(id)!.holders) {
      simulation.check(mayServe, 'a healthy shard does not serve', () => `${living.get(id)!.machine}/${shard}`);
    }
  }
  god.note('all was completed');
}

function isSame(a: RingVersion | null, b: RingVersion): boolean {
  return a !== null && compareVersions(a, b) === 0;
}

function nameOf(version: RingVersion | null): string {
  return version === null ? 'none' : keyOf(version);
}
