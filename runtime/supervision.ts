/** Supervision: what a parent does about a child that threw. Pure; the cell carries it out. */

import { invalidArgument } from './errors.ts';

/** After Erlang/OTP's supervisor strategies and Akka's directives. */
export type Directive =
  /** Drop the failing message, keep the state. */
  | 'resume'
  /** Drop the failing message and the state, keep the mailbox. */
  | 'restart'
  | 'stop'
  /** The parent itself fails with the same error. */
  | 'escalate';

const DIRECTIVES: readonly unknown[] = ['resume', 'restart', 'stop', 'escalate'] satisfies readonly Directive[];

export function isDirective(value: unknown): value is Directive {
  return DIRECTIVES.includes(value);
}

/** Which children a restart or stop concerns: the failed one, all of them, or it and those started after it. */
export type SupervisionScope = 'one' | 'all' | 'rest';
const SCOPES: readonly unknown[] = ['one', 'all', 'rest'] satisfies readonly SupervisionScope[];

export interface BackoffOptions {
  /** Delay before the first restart. Default 0: at once. */
  readonly minMs?: number;
  /** Default 30 000. */
  readonly maxMs?: number;
  /** Default 2: each further failure within the window doubles the delay. */
  readonly factor?: number;
  /** Share of the delay drawn at random and taken off, 0 to 1, so that those that failed together don't come back together. Default 0.2. */
  readonly jitterRatio?: number;
}

export interface SupervisionOptions {
  /** Default: always `restart`. */
  readonly decide?: (error: unknown) => Directive;
  readonly scope?: SupervisionScope;
  readonly backoff?: BackoffOptions;
  /** More restarts than this within `windowMs` and the child is stopped instead. Default 10. */
  readonly restartsMax?: number;
  /** Default 60 000. */
  readonly windowMs?: number;
}

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
  readonly factor: number;
  readonly jitterRatio: number;
}

export interface Supervision {
  readonly decide: (error: unknown) => Directive;
  readonly scope: SupervisionScope;
  readonly backoff: Backoff;
  readonly restartsMax: number;
  readonly windowMs: number;
}

const BACKOFF_DEFAULTS: Backoff = { minMs: 0, maxMs: 30_000, factor: 2, jitterRatio: 0.2 };

export const SUPERVISION_DEFAULTS: Supervision = {
  decide: () => 'restart',
  scope: 'one',
  backoff: BACKOFF_DEFAULTS,
  restartsMax: 10,
  windowMs: 60_000,
};

/** Fills in the defaults. Errors: INVALID_ARGUMENT, naming the option. */
export function completeSupervision(options: SupervisionOptions | undefined): Supervision {
  if (options === undefined) return SUPERVISION_DEFAULTS;
  const supervision = { ...SUPERVISION_DEFAULTS, ...options, backoff: { ...BACKOFF_DEFAULTS, ...options.backoff } };
  if (typeof supervision.decide !== 'function')
    throw invalidArgument(`supervision.decide: expected a function, got ${typeof supervision.decide}`);
  if (!SCOPES.includes(supervision.scope))
    throw invalidArgument(`supervision.scope: expected one, all or rest, got ${String(supervision.scope)}`);
  const { minMs, maxMs, factor, jitterRatio } = supervision.backoff;
  check('backoff.minMs', minMs, 0, maxMs);
  check('backoff.maxMs', maxMs, 0, 2 ** 31);
  check('backoff.factor', factor, 1, 1000);
  check('backoff.jitterRatio', jitterRatio, 0, 1);
  check('restartsMax', supervision.restartsMax, 0, 1_000_000);
  check('windowMs', supervision.windowMs, 1, 2 ** 31);
  return supervision;
}

function check(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw invalidArgument(`supervision.${name}: expected ${min} to ${max}, got ${value}`);
}

/** Restarts that still count at `now`. */
export function restartsWithin(times: readonly number[], now: number, windowMs: number): number[] {
  return times.filter((time) => now - time < windowMs);
}
