/**
 * The decision of a start: which record the directory gets, and which way into a cluster the node takes. Pure; the record is to be on disk
 * before anything is said to anybody.
 *
 * | directory | --init | --join | neither | both |
 * |---|---|---|---|---|
 * | empty, or `new` | init | join | refused | refused |
 * | `initialising` | init, same cluster | refused | init, same cluster | refused |
 * | `joining` | refused | join | refused | refused |
 * | `member` | restart | restart | restart | refused |
 */
import type { Id } from '../ring/ring-state.ts';
import { NodeError } from './node-error.ts';
import type { NodeRecord } from './node-record.ts';

/** What was asked for; undefined: not said. */
export interface StartWish {
  readonly name: string | undefined;
  readonly shards: number | undefined;
  readonly init: boolean;
  readonly join: readonly unknown[];
}

export interface FreshIds {
  readonly node: Id;
  readonly cluster: Id;
  /** Shards of a new node when nothing is said. */
  readonly shards: number;
}

export type Way = 'init' | 'join' | 'restart';

export interface StartDecision {
  readonly record: NodeRecord;
  readonly way: Way;
}

/** `path`: of the directory, for texts. Errors: NodeError. */
export function decideStart(stored: NodeRecord | null, wish: StartWish, fresh: FreshIds, path: string): StartDecision {
  if (wish.init && wish.join.length > 0)
    throw new NodeError(
      'INVALID_CONFIG',
      'init and join: expected one of the two; --init makes a new cluster, --join enters one that is there',
    );
  const before = stored ?? newRecord(wish, fresh);
  checkSame(before, wish, path);
  const record = { ...before, boot: before.boot + 1 };
  switch (before.phase) {
    case 'new':
      if (wish.init) return { way: 'init', record: { ...record, phase: 'initialising', cluster: fresh.cluster } };
      if (wish.join.length > 0) return { way: 'join', record };
      throw new NodeError(
        'NO_CLUSTER',
        `data directory ${path} is empty: say --init to make a new cluster, or --join host:port of a node of the cluster to enter`,
      );
    case 'initialising':
      if (wish.join.length === 0) return { way: 'init', record };
      throw new NodeError(
        'OTHER_CLUSTER',
        `data directory ${path} belongs to cluster ${before.cluster}, which it was making when it stopped; start it with --init, or join with an empty directory`,
      );
    case 'joining':
      if (wish.join.length > 0) return { way: 'join', record };
      throw new NodeError(
        'NO_CLUSTER',
        `data directory ${path} has not finished joining cluster ${before.cluster}: start it with --join host:port of one of its nodes`,
      );
    case 'member':
      return { way: 'restart', record };
  }
}

function newRecord(wish: StartWish, fresh: FreshIds): NodeRecord {
  const name = wish.name ?? `n${fresh.node.slice(0, 8)}`;
  return { id: fresh.node, cluster: '', phase: 'new', name, shards: wish.shards ?? fresh.shards, boot: 0, address: null };
}

function checkSame(before: NodeRecord, { name, shards }: StartWish, path: string): void {
  if (name !== undefined && name !== before.name)
    throw new NodeError(
      'OTHER_NAME',
      `data directory ${path} is that of node ${before.name}, not of ${name}: leave --name away, or give a directory of its own (--data)`,
    );
  if (shards !== undefined && shards !== before.shards) {
    throw new NodeError(
      'OTHER_SHARDS',
      `data directory ${path} was made for ${before.shards} shards, not for ${shards}, and can't be changed yet: leave --shards away; or start a new node on an empty directory with --shards ${shards} and --join, and when it is up let this one go with \`dynactor leave ${before.name}\``,
    );
  }
}
