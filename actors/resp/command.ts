/** Command: one row of the table from which commands are found, checked, described to clients and listed in README. */
import type { RespSession } from './resp-session.ts';

export type CommandGroup = 'connection' | 'server' | 'string' | 'generic' | 'siblings' | 'keyspaces';

/**
 * write: other commands of the connection on the same key wait for it. noAuth: may be used before the password is given. keyspace: has no key, and needs a keyspace
 * all the same. settled: is on all keys, and waits until those before it are answered.
 */
export type CommandFlag = 'readonly' | 'write' | 'fast' | 'noAuth' | 'keyspace' | 'settled';

export interface Command {
  /** In capitals. */
  readonly name: string;
  /** Arguments, the name included; negative: at least as many. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** Arguments that are keys: the first, the last (negative: from the end, -1 the last), and the step; 0: none. */
  readonly keys: readonly [first: number, last: number, step: number];
  readonly group: CommandGroup;
  /** As README shows it. */
  readonly syntax: string;
  readonly summary: string;
  /** Requires: arity and keys were checked. Answers by the session, now or later. */
  readonly run: (session: RespSession) => void;
}

export const NO_KEYS = [0, 0, 0] as const;
export const FIRST_KEY = [1, 1, 1] as const;
export const ALL_KEYS = [1, -1, 1] as const;
