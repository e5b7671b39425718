/** What can be tuned of a shard's runtime, with its defaults. */
import type { Place } from './address.ts';
import type { Doors } from './doors.ts';
import { invalidArgument } from './errors.ts';
import { completeSupervision, type Supervision, type SupervisionOptions } from './supervision.ts';

export interface RuntimeTuning {
  /** Messages handled per turn of an actor, unless it says otherwise. Default 64. */
  readonly throughput?: number;
  /** Capacity of a mailbox, unless it says otherwise. Default 1024 messages. */
  readonly mailboxCapacity?: number;
  /** Time after which a run hands back to the event loop. Default 2 ms. */
  readonly sliceMs?: number;
  /** Turns after which a run hands back to the event loop. Default: no bound but the slice. */
  readonly turnsPerRun?: number;
  /** Default 1 048 576. */
  readonly actorsMax?: number;
  /** Default 262 144. */
  readonly pendingAsksMax?: number;
  /** Queued messages of the whole shard above which it stops reading from bulk connections; it reads again at half of it. Default 65 536. */
  readonly backlogMax?: number;
  /** Same for the bytes in which queued messages came, those below 1 KiB left out. Default 64 MiB. */
  readonly backlogBytesMax?: number;
  /** Records of the flight recorder, a power of two. Default 1024. */
  readonly flightRecords?: number;
  /** For actors without a parent. Default: restart, at most 10 times a minute. */
  readonly supervision?: SupervisionOptions;
}

export type RuntimeOptions = Required<Omit<RuntimeTuning, 'supervision'>> & { readonly supervision: Supervision };

export interface ShardRuntimeOptions {
  readonly place: Place;
  /** Which start of this place; strictly rising. */
  readonly boot: number;
  readonly doors: Doors;
  readonly tuning?: RuntimeTuning | undefined;
  /** Names of planted bugs, for testing the tests: `reorder`, `lostWakeUp`. Empty in production. */
  readonly mutants?: ReadonlySet<string> | undefined;
}

const DEFAULTS = {
  throughput: 64,
  mailboxCapacity: 1024,
  sliceMs: 2,
  turnsPerRun: 2 ** 30,
  actorsMax: 2 ** 20,
  pendingAsksMax: 2 ** 18,
  backlogMax: 2 ** 16,
  backlogBytesMax: 2 ** 26,
  flightRecords: 1024,
} as const;

const SLOTS_MAX = 2 ** 30;
export const THROUGHPUT_MAX = 2 ** 30;
export const MAILBOX_CAPACITY_MAX = 2 ** 24;

/** Errors: INVALID_ARGUMENT, naming the option. */
export function completeRuntimeOptions(tuning: RuntimeTuning | undefined): RuntimeOptions {
  const options = { ...DEFAULTS, ...tuning, supervision: completeSupervision(tuning?.supervision) };
  whole('throughput', options.throughput, 1, THROUGHPUT_MAX);
  whole('mailboxCapacity', options.mailboxCapacity, 1, MAILBOX_CAPACITY_MAX);
  if (!(options.sliceMs > 0 && options.sliceMs <= 1000))
    throw invalidArgument(`sliceMs: expected above 0 and up to 1000, got ${options.sliceMs}`);
  whole('turnsPerRun', options.turnsPerRun, 1, 2 ** 30);
  whole('actorsMax', options.actorsMax, 17, SLOTS_MAX);
  whole('pendingAsksMax', options.pendingAsksMax, 1, SLOTS_MAX);
  whole('backlogMax', options.backlogMax, 2, 2 ** 30);
  whole('backlogBytesMax', options.backlogBytesMax, 2, 2 ** 40);
  whole('flightRecords', options.flightRecords, 1, 2 ** 20);
  if ((options.flightRecords & (options.flightRecords - 1)) !== 0) {
    throw invalidArgument(`flightRecords: expected a power of two, got ${options.flightRecords}`);
  }
  return options;
}

export function whole(name: string, value: number, min: number, max: number): void {
  if (!(Number.isInteger(value) && value >= min && value <= max)) {
    throw invalidArgument(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
}
