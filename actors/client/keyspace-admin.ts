/** Keyspaces of the cluster: made, changed and dropped through the RingActor of any node. */

import { KEYSPACE_DEFAULTS, type KeyspaceSettings, newKeyspace, strangeSetting } from '../ring/keyspace-defaults.ts';
import type { Operation, OperationOutcome } from '../ring/operation.ts';
import type { Id, Keyspace as KeyspaceRules, RingVersion } from '../ring/ring-state.ts';
import { ClientError, type ClientErrorCode, invalid } from './client-error.ts';

/** What the client does for it. */
export interface AdminDoor {
  readonly keyspaces: () => readonly KeyspaceRules[];
  /** Asks the RingActor of a node, another one each time. Errors: ClientError. */
  readonly propose: (operationId: Id, operation: Operation, timeoutMs: number) => Promise<OperationOutcome>;
  /** Resolves when the ring in use is that one or newer, or when the time is up. */
  readonly untilRing: (version: RingVersion, timeoutMs: number) => Promise<void>;
  readonly newId: () => Id;
  readonly now: () => number;
}

export interface AdminOptions {
  /** Default 15,000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
const TRY_MS = 4_000;
const PAUSE_MS = 100;
const CHANGEABLE: readonly string[] = Object.keys(KEYSPACE_DEFAULTS).filter((key) => key !== 'conflict');

export class KeyspaceAdmin {
  readonly #door: AdminDoor;

  constructor(door: AdminDoor) {
    this.#door = door;
  }

  /** As the ring in use has them. */
  list(): readonly KeyspaceRules[] {
    return this.#door.keyspaces();
  }

  /** Resolves when it can be used. Errors: EXISTS, INVALID_ARGUMENT, NOT_ALLOWED, NO_MAJORITY, UNREACHABLE, INDETERMINATE. */
  create(name: string, settings: KeyspaceSettings = {}, options: AdminOptions = {}): Promise<void> {
    const strange = strangeSetting(settings);
    if (strange !== undefined) return Promise.reject(invalid(`create ${name}: ${strange}`));
    return this.#operate({ type: 'createKeyspace', keyspace: newKeyspace(name, settings) }, options);
  }

  /** All but its name and `conflict` can be changed. Errors: as `create`, and NOT_FOUND. */
  alter(name: string, changes: Omit<KeyspaceSettings, 'conflict'>, options: AdminOptions = {}): Promise<void> {
    const strange = strangeSetting(changes, CHANGEABLE);
    if (strange !== undefined) return Promise.reject(invalid(`alter ${name}: ${strange}`));
    if (Object.keys(changes).length === 0) return Promise.reject(invalid(`alter ${name}: expected something to change`));
    return this.#operate({ type: 'alterKeyspace', name, changes }, options);
  }

  /** With all that is in it. */
  drop(name: string, options: AdminOptions = {}): Promise<void> {
    return this.#operate({ type: 'dropKeyspace', name }, options);
  }

  /** Under one id however often it is proposed: it is done once. */
  async #operate(operation: Operation, { timeoutMs = TIMEOUT_MS }: AdminOptions): Promise<void> {
    const { now, propose, untilRing, newId } = this.#door;
    const operationId = newId();
    const deadline = now() + timeoutMs;
    let mayBeDone = false;
    let trouble = new ClientError('TIMED_OUT', `${operation.type}: no time was given`);
    for (let left = timeoutMs; left > 0; left = deadline - now()) {
      try {
        const outcome = await propose(operationId, operation, Math.min(TRY_MS, left));
        if (outcome.ok) return await untilRing(outcome.version, Math.max(1, deadline - now()));
        trouble = refusal(outcome);
        if (outcome.code === 'INDETERMINATE') mayBeDone = true;
        else if (outcome.code !== 'NO_MAJORITY' && outcome.code !== 'NOT_A_MEMBER') throw trouble;
      } catch (error) {
        if (error === trouble || !(error instanceof ClientError) || error.code === 'CLOSED') throw error;
        trouble = error;
        mayBeDone = true;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, Math.min(PAUSE_MS, Math.max(1, deadline - now())));
      });
    }
    if (!mayBeDone) throw trouble;
    throw new ClientError('INDETERMINATE', `${operation.type}: not known to be decided within ${timeoutMs} ms`, {
      cause: trouble,
      mayBeDone,
    });
  }
}

const CODES: Readonly<Record<Extract<OperationOutcome, { ok: false }>['code'], ClientErrorCode>> = {
  STALE: 'STALE_RING',
  EXISTS: 'EXISTS',
  NOT_FOUND: 'NOT_FOUND',
  NOT_ALLOWED: 'NOT_ALLOWED',
  INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  NO_MAJORITY: 'NO_MAJORITY',
  NOT_A_MEMBER: 'LOADING',
  INDETERMINATE: 'INDETERMINATE',
};

function refusal({ code, message }: Extract<OperationOutcome, { ok: false }>): ClientError {
  return new ClientError(CODES[code] ?? 'PROTOCOL', message);
}
