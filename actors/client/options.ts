/** Options of the client, with their defaults. What is given is checked by hand: a program that is wrong hears it at once. */
import type { LogLevel } from '../../runtime/doors.ts';
import type { ReplicaCount } from '../ring/ring-state.ts';
import { type ClientError, invalid } from './client-error.ts';
import type { BackoffRange, RetryBudgetOptions } from './retry.ts';

export interface ConnectOptions {
  /** Id of the cluster that is meant, so that no other is taken for it. Default: that of the seeds, which must agree. */
  readonly cluster?: string;
  /** Nodes of this data center are asked first. Default: none is preferred. */
  readonly dataCenter?: string;
  /** For finding a node that has a ring. Default 10,000. */
  readonly connectTimeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly logLevel?: LogLevel | 'silent';
  readonly tuning?: Partial<ClientTuning>;
  /** Of operations that say nothing else, in ms. Default 5,000. */
  readonly timeoutMs?: number;
}

export interface ClientTuning {
  /** A read that has no answer after this long is sent to another replica as well. */
  readonly attemptMs: number;
  /** How often an operation is sent at most, first time included. What the ring's changing or a node's death asks for is not counted. */
  readonly attempts: number;
  readonly backoff: BackoffRange;
  readonly retryBudget: RetryBudgetOptions;
  /** Sent and not answered; more wait here. */
  readonly inFlightMax: number;
  /** Not over, sent or waiting; one more fails as OVERLOADED. */
  readonly operationsMax: number;
  /** The ring is fetched again after so long, if nothing else made the client do it. */
  readonly ringRefreshMs: number;
  /** For an answer to a fetch of the ring, or to a greeting. */
  readonly answerMs: number;
  /** How often nodes and shards that are down are asked whether they are back. */
  readonly probeMs: number;
  /** A node without a connection this long is taken for dead: what was sent there is lost, and nothing more is sent. Longer than it takes to connect. */
  readonly unreachableMs: number;
}

export const TUNING_DEFAULTS: ClientTuning = {
  attemptMs: 1_000,
  attempts: 3,
  backoff: { minMs: 10, maxMs: 500 },
  retryBudget: { ratio: 0.1, perSecond: 10 },
  inFlightMax: 4_096,
  operationsMax: 65_536,
  ringRefreshMs: 10_000,
  answerMs: 2_000,
  probeMs: 250,
  unreachableMs: 500,
};

export const TIMEOUT_MS_DEFAULT = 5_000;
export const CONNECT_TIMEOUT_MS_DEFAULT = 10_000;
export const TIMEOUT_MS_MAX = 3_600_000;

export type Durability = 'sync' | 'periodic' | 'none';

export interface OperationOptions {
  /** From the call to its outcome. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends OperationOptions {
  /** Replicas that must answer. Default: as the keyspace says. */
  readonly r?: ReplicaCount;
  /** Of those as many must be primaries of the key, not others that stand in for one. Default: no matter. */
  readonly pr?: ReplicaCount;
  /** Never older than what another monotonic read was answered before this one began: of a majority, who hold what is answered by then. Of `get`, `getWithContext` and `has`. */
  readonly monotonic?: boolean;
}

export interface WriteOptions extends OperationOptions {
  /** Replicas that must have stored it, as durably as asked. Default: as the keyspace says. */
  readonly w?: ReplicaCount;
  /** Of those as many must be primaries of the key. Default: no matter. */
  readonly pw?: ReplicaCount;
  readonly durability?: Durability;
}

const REPLICAS_MAX = 16;

export function completeTuning(given: Partial<ClientTuning> = {}): ClientTuning {
  const tuning = { ...TUNING_DEFAULTS, ...given };
  whole('tuning.attempts', tuning.attempts, 1, 100);
  whole('tuning.operationsMax', tuning.operationsMax, 1, 1_048_576);
  whole('tuning.inFlightMax', tuning.inFlightMax, 1, tuning.operationsMax);
  for (const name of ['attemptMs', 'ringRefreshMs', 'answerMs', 'probeMs', 'unreachableMs'] as const)
    whole(`tuning.${name}`, tuning[name], 1, TIMEOUT_MS_MAX);
  const { minMs, maxMs } = tuning.backoff;
  whole('tuning.backoff.minMs', minMs, 1, TIMEOUT_MS_MAX);
  whole('tuning.backoff.maxMs', maxMs, minMs, TIMEOUT_MS_MAX);
  const { ratio, perSecond } = tuning.retryBudget;
  if (!(ratio >= 0 && ratio <= 1)) throw invalid(`tuning.retryBudget.ratio: expected 0 to 1, got ${ratio}`);
  if (!(perSecond >= 0 && perSecond <= 1e6)) throw invalid(`tuning.retryBudget.perSecond: expected 0 to 1000000, got ${perSecond}`);
  return tuning;
}

/** Errors: INVALID_ARGUMENT, thrown. */
export function whole(name: string, value: unknown, min: number, max: number): number {
  if (!(Number.isInteger(value) && (value as number) >= min && (value as number) <= max))
    throw notOf(name, `a whole number from ${min} to ${max}`, value);
  return value as number;
}

export function timeoutOf(timeoutMs: number | undefined, otherwise: number): number {
  return timeoutMs === undefined ? otherwise : whole('timeoutMs', timeoutMs, 1, TIMEOUT_MS_MAX);
}

export function checkReplicas(name: 'r' | 'w' | 'pr' | 'pw', count: unknown): ReplicaCount | undefined {
  if (count === undefined || count === 'one' || count === 'quorum' || count === 'all') return count;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= REPLICAS_MAX) return count;
  throw notOf(name, `1 to ${REPLICAS_MAX}, one, quorum or all`, count);
}

export function checkMonotonic(isMonotonic: unknown): boolean | undefined {
  if (isMonotonic === undefined || typeof isMonotonic === 'boolean') return isMonotonic;
  throw notOf('monotonic', 'true or false', isMonotonic);
}

export function checkDurability(durability: unknown): Durability | undefined {
  if (durability === undefined || durability === 'sync' || durability === 'periodic' || durability === 'none') return durability;
  throw notOf('durability', 'sync, periodic or none', durability);
}

function notOf(name: string, expected: string, found: unknown): ClientError {
  return invalid(`${name}: expected ${expected}, got ${typeof found === 'string' ? JSON.stringify(found) : String(found)}`);
}
