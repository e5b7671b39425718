/** What is always true of a ring, checked by hand: for bytes from outside, and for tests and simulations. Each problem is a sentence that says what was found. */
import {
  BANNED_MAX,
  CAPACITY_MAX,
  EPOCH_MAX,
  HASH,
  HOST,
  ID,
  KEYSPACE_KEY_BYTES_MAX,
  KEYSPACE_NAME,
  KEYSPACES_MAX,
  LABEL,
  MEMBER_NAME,
  MEMBERS_MAX,
  NODE_NAME,
  PORTS_MAX,
  REPLICAS_MAX,
  SHARDS_MAX,
  VALUE_BYTES_MAX,
} from './limits.ts';
import { Placement } from './placement.ts';
import { replicasNeeded } from './replicas-needed.ts';
import type { Keyspace, Member, ReplicaCount, RingState } from './ring-state.ts';
import { isPartitionCount } from './token.ts';

/** Returns the invariants that `ring` breaks; empty when it is sound. Cost: O(Q); with excluded members that of placement, per different n. */
export function validateRing(ring: RingState): string[] {
  const problems: string[] = [];
  const expect = (isTrue: boolean, problem: () => string): void => {
    if (!isTrue) problems.push(problem());
  };
  expect(ID.test(ring.cluster), () => `cluster: expected an id, found ${quote(ring.cluster)}`);
  expect(ID.test(ring.operationId), () => `operationId: expected an id, found ${quote(ring.operationId)}`);
  expect(LABEL.test(ring.clusterName), () => `clusterName: expected 1 to 64 of [A-Za-z0-9._-], found ${quote(ring.clusterName)}`);
  expect(isWhole(ring.generation, 1, EPOCH_MAX), () => `generation: expected 1 to ${EPOCH_MAX}, found ${ring.generation}`);
  expect(isWhole(ring.epoch, 1, EPOCH_MAX), () => `epoch: expected 1 to ${EPOCH_MAX}, found ${ring.epoch}`);
  const isFirst = ring.generation === 1 && ring.epoch === 1;
  expect(
    isFirst ? ring.parent === '' : HASH.test(ring.parent),
    () => `parent: expected ${isFirst ? 'none' : 'a hash'}, found ${quote(ring.parent)}`,
  );
  problems.push(...membersProblems(ring), ...ownersProblems(ring), ...keyspacesProblems(ring), ...bannedProblems(ring));
  if (problems.length === 0) problems.push(...exclusionProblems(ring));
  return problems;
}

/** Undefined: it is well formed. */
export function memberProblem(member: Omit<Member, 'state' | 'isExcluded'>): string | undefined {
  const { id, name, address, dataCenter, rack, capacity, shards } = member;
  if (!isText(ID, id)) return `member: expected an id of 32 hexadecimal digits, found ${quote(id)}`;
  if (!isText(MEMBER_NAME, name))
    return `member ${id}: expected a name of 1 to 31 of [A-Za-z0-9_-] that begins with a letter, found ${quote(name)}`;
  if (!isText(LABEL, dataCenter)) return `member ${name}: expected a data center of 1 to 64 of [A-Za-z0-9._-], found ${quote(dataCenter)}`;
  if (!isText(LABEL, rack)) return `member ${name}: expected a rack of 1 to 64 of [A-Za-z0-9._-], found ${quote(rack)}`;
  if (!isWhole(capacity, 1, CAPACITY_MAX)) return `member ${name}: expected a capacity from 1 to ${CAPACITY_MAX}, found ${capacity}`;
  if (!isWhole(shards, 1, SHARDS_MAX)) return `member ${name}: expected 1 to ${SHARDS_MAX} shards, found ${shards}`;
  const problem = addressProblem(address);
  return problem === undefined ? undefined : `member ${name}: ${problem}`;
}

export function addressProblem({ node, host, ports }: Member['address']): string | undefined {
  if (!isText(NODE_NAME, node)) return `expected a node name of 1 to 64 of [A-Za-z0-9._-], found ${quote(node)}`;
  if (!isText(HOST, host)) return `expected a host of 1 to 253 printable ASCII characters, found ${quote(host)}`;
  if (!isWhole(ports.length, 1, PORTS_MAX)) return `expected 1 to ${PORTS_MAX} ports, found ${ports.length}`;
  const bad = ports.find((port) => !isWhole(port, 0, 65_535));
  return bad === undefined ? undefined : `expected ports from 0 to 65535, found ${bad}`;
}

/** Undefined: it is well formed. */
export function keyspaceProblem(keyspace: Omit<Keyspace, 'id'>): string | undefined {
  const { name, n, r, w, pr, pw, mode, conflict, durability, ttlMs, keyBytesMax, valueBytesMax } = keyspace;
  if (!isText(KEYSPACE_NAME, name)) return `keyspace: expected a name of 1 to 64 of [A-Za-z0-9_-], found ${quote(name)}`;
  const bad = (field: string, expected: string, found: unknown) => `keyspace ${name}: expected ${field} ${expected}, found ${quote(found)}`;
  if (!isWhole(n, 1, REPLICAS_MAX)) return bad('n', `from 1 to ${REPLICAS_MAX}`, n);
  if (!isReplicaCount(r, n)) return bad('r', `from 1 to n = ${n}, or one, quorum, all`, r);
  if (!isReplicaCount(w, n)) return bad('w', `from 1 to n = ${n}, or one, quorum, all`, w);
  if (pr !== 0 && !isReplicaCount(pr, n)) return bad('pr', `from 0 to n = ${n}, or one, quorum, all`, pr);
  if (pw !== 0 && !isReplicaCount(pw, n)) return bad('pw', `from 0 to n = ${n}, or one, quorum, all`, pw);
  if (mode !== 'ap' && mode !== 'cp') return bad('mode', 'ap or cp', mode);
  if (conflict !== 'siblings' && conflict !== 'lww') return bad('conflict', 'siblings or lww', conflict);
  if (durability !== 'sync' && durability !== 'periodic' && durability !== 'none')
    return bad('durability', 'sync, periodic or none', durability);
  if (mode === 'cp' && replicasNeeded(r, n) + replicasNeeded(w, n) <= n)
    return bad('r + w', `above n = ${n}, since its mode is cp`, `${r} + ${w}`);
  if (!isWhole(ttlMs, 0, Number.MAX_SAFE_INTEGER)) return bad('ttlMs', 'of 0 or more', ttlMs);
  if (!isWhole(keyBytesMax, 1, KEYSPACE_KEY_BYTES_MAX)) return bad('keyBytesMax', `from 1 to ${KEYSPACE_KEY_BYTES_MAX}`, keyBytesMax);
  if (!isWhole(valueBytesMax, 0, VALUE_BYTES_MAX)) return bad('valueBytesMax', `from 0 to ${VALUE_BYTES_MAX}`, valueBytesMax);
  return undefined;
}

/** Of each keyspace and partition fewer than min(R, W) replicas, present or pending, may be excluded at once (DESIGN 5). At most one problem per keyspace. */
export function exclusionProblems(ring: RingState): string[] {
  const { members, owners, transition, keyspaces } = ring;
  if (!members.some(({ isExcluded }) => isExcluded)) return [];
  const placements = [owners, ...(transition === null ? [] : [transition.owners])].map((set) => new Placement(members, set));
  const problems = new Map<string, string>();
  const rows = new Map<string, Uint16Array>();
  for (const { name, n, r, w } of keyspaces) {
    for (const [which, placement] of placements.entries()) {
      const count = placement.replicaCount(n);
      const bound = Math.min(replicasNeeded(r, count), replicasNeeded(w, count), count);
      const key = `${which}/${count}/${n}`;
      const replicas = rows.get(key) ?? placement.replicas(n);
      rows.set(key, replicas);
      const found = worstExclusion(members, replicas, count);
      if (found.excluded >= bound) {
        const text = `keyspace ${name}: ${found.excluded} of ${count} replicas of partition ${found.partition} excluded, expected fewer than min(R, W) = ${bound}`;
        problems.set(name, text);
      }
    }
  }
  return [...problems.values()];
}

function worstExclusion(
  members: readonly Member[],
  replicas: Uint16Array,
  count: number,
): { readonly partition: number; readonly excluded: number } {
  let worst = { partition: 0, excluded: 0 };
  for (let at = 0; at < replicas.length; at += count) {
    let excluded = 0;
    for (let i = at; i < at + count; i++) if (members[replicas[i]!]!.isExcluded) excluded++;
    if (excluded > worst.excluded) worst = { partition: at / count, excluded };
  }
  return worst;
}

function membersProblems({ members, owners, banned }: RingState): string[] {
  const problems: string[] = [];
  if (!isWhole(members.length, 1, MEMBERS_MAX)) problems.push(`members: expected 1 to ${MEMBERS_MAX}, found ${members.length}`);
  if (members.length > owners.length)
    problems.push(`members: expected at most one per partition (${owners.length}), found ${members.length}`);
  for (const member of members) {
    const problem = memberProblem(member);
    if (problem !== undefined) problems.push(problem);
    if (!STATES.includes(member.state)) problems.push(`member ${member.name}: expected a state, found ${quote(member.state)}`);
  }
  problems.push(
    ...orderProblems(
      'members',
      members.map(({ id }) => id),
    ),
  );
  problems.push(
    ...twice(
      'member name',
      members.map(({ name }) => name),
    ),
    ...twice(
      'node name',
      members.map(({ address }) => address.node),
    ),
  );
  if (!members.some(({ state }) => state === 'up')) problems.push('members: expected one that is up, found none');
  const bannedIds = new Set(banned);
  for (const { id, name } of members) if (bannedIds.has(id)) problems.push(`member ${name}: its id ${id} is banned`);
  return problems;
}

const STATES: readonly unknown[] = ['joining', 'up', 'leaving'];
const STEPS: readonly unknown[] = ['writeBoth', 'stream', 'readNew', 'writeNew'];

function ownersProblems({ members, owners, transition, changedAt, epoch }: RingState): string[] {
  const problems: string[] = [];
  if (!isPartitionCount(owners.length)) problems.push(`owners: expected a power of two from 8 to 16384 of them, found ${owners.length}`);
  if (changedAt.length !== owners.length) problems.push(`changedAt: expected ${owners.length} entries, found ${changedAt.length}`);
  const late = changedAt.find((at) => at < 1 || at > epoch);
  if (late !== undefined) problems.push(`changedAt: expected epochs from 1 to ${epoch}, found ${late}`);
  const stranger = owners.find((owner) => owner >= members.length);
  if (stranger !== undefined) problems.push(`owners: expected indices below ${members.length}, found ${stranger}`);
  const joining = owners.find((owner) => members[owner]?.state === 'joining');
  if (joining !== undefined) problems.push(`owners: ${members[joining]!.name} owns a partition and is joining`);
  if (transition === null) return problems;
  if (!isWhole(transition.startedAt, 1, epoch))
    problems.push(`transition: expected to have started from 1 to ${epoch}, found ${transition.startedAt}`);
  if (!STEPS.includes(transition.step)) problems.push(`transition: expected a step, found ${quote(transition.step)}`);
  if (transition.owners.length !== owners.length)
    problems.push(`transition: expected ${owners.length} owners, found ${transition.owners.length}`);
  const pendingStranger = transition.owners.find((owner) => owner >= members.length);
  if (pendingStranger !== undefined) problems.push(`transition: expected owners below ${members.length}, found ${pendingStranger}`);
  return problems;
}

function keyspacesProblems({ keyspaces, nextKeyspaceId }: RingState): string[] {
  const problems: string[] = [];
  if (keyspaces.length > KEYSPACES_MAX) problems.push(`keyspaces: expected at most ${KEYSPACES_MAX}, found ${keyspaces.length}`);
  if (!isWhole(nextKeyspaceId, 1, EPOCH_MAX)) problems.push(`nextKeyspaceId: expected 1 to ${EPOCH_MAX}, found ${nextKeyspaceId}`);
  for (const [i, keyspace] of keyspaces.entries()) {
    const problem = keyspaceProblem(keyspace);
    if (problem !== undefined) problems.push(problem);
    const above = i === 0 ? 0 : keyspaces[i - 1]!.id;
    if (!isWhole(keyspace.id, above + 1, nextKeyspaceId - 1)) {
      problems.push(`keyspace ${keyspace.name}: expected an id from ${above + 1} to ${nextKeyspaceId - 1}, found ${keyspace.id}`);
    }
  }
  problems.push(
    ...twice(
      'keyspace name',
      keyspaces.map(({ name }) => name),
    ),
  );
  return problems;
}

function bannedProblems({ banned }: RingState): string[] {
  const problems = orderProblems('banned', banned);
  if (banned.length > BANNED_MAX) problems.push(`banned: expected at most ${BANNED_MAX}, found ${banned.length}`);
  const bad = banned.find((id) => !isText(ID, id));
  if (bad !== undefined) problems.push(`banned: expected ids, found ${quote(bad)}`);
  return problems;
}

function orderProblems(what: string, ids: readonly string[]): string[] {
  const at = ids.findIndex((id, i) => i > 0 && id <= ids[i - 1]!);
  return at < 0 ? [] : [`${what}: expected rising ids, found ${ids[at]} after ${ids[at - 1]}`];
}

function twice(what: string, names: readonly string[]): string[] {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) return [`${what} ${quote(name)} is there twice`];
    seen.add(name);
  }
  return [];
}

function isReplicaCount(count: ReplicaCount, n: number): boolean {
  return count === 'one' || count === 'quorum' || count === 'all' || isWhole(count, 1, n);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isText(form: RegExp, value: unknown): boolean {
  return typeof value === 'string' && form.test(value);
}

function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
}
