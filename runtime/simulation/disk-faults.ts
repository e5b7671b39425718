/**
 * Faults of a simulated disk, as data. The disk asks its hook before every call takes effect, of whichever door; `faultPlan` makes a hook of
 * rules. Rows D6 to D15 of the fault catalogue.
 */

const ON_FILES = ['open', 'pread', 'pwrite', 'datasync', 'truncate', 'stat', 'lock'] as const;
const ON_NAMES = ['syncDir', 'rename', 'unlink', 'mkdir', 'readdir', 'link'] as const;
export type DiskOperation = (typeof ON_FILES)[number] | (typeof ON_NAMES)[number];
export const DISK_OPERATIONS: readonly DiskOperation[] = [...ON_FILES, ...ON_NAMES];

export interface DiskCall {
  /** From 1, over all calls of the disk, in the order in which they take effect. A synced write is two: `pwrite`, then `datasync`. */
  readonly number: number;
  readonly operation: DiskOperation;
  /** Of `rename` and `link`: the first. */
  readonly path: string;
  /** Of `pread` and `pwrite`; of `truncate` the length. Else 0. */
  readonly offset: number;
  /** Bytes of `pread` and `pwrite`; else 0. */
  readonly length: number;
}

export type DiskFault =
  /**
   * The call fails. A `pwrite` has written `written` bytes by then (default 0). `marksClean`, of `datasync` and `syncDir`: what it was to make
   * durable never will be, and later syncs succeed (Rebello et al., ATC 2020).
   */
  | { readonly kind: 'error'; readonly code: string; readonly written?: number; readonly marksClean?: boolean }
  /** A `pwrite`, `truncate`, `datasync` or `syncDir` succeeds and has done nothing. */
  | { readonly kind: 'lost' }
  /** A `pread` or `pwrite` goes to another offset, and another file when `path` is given. Where that file is missing: nowhere. */
  | { readonly kind: 'misdirected'; readonly offset: number; readonly path?: string }
  /** One bit of what a `pread` gives, or a `pwrite` writes, is wrong; counted from the first byte's lowest. `stored`: of a read, also for later ones. */
  | { readonly kind: 'flip'; readonly bit: number; readonly stored?: boolean }
  /** The machine loses power: the call and all later ones never end, until `SimDisk.crash` says what is left. */
  | { readonly kind: 'powerLoss'; readonly when: 'before' | 'after' };

export type FaultHook = (call: DiskCall) => DiskFault | undefined;

/** Which calls a fault meets. A field left out fits all. */
export interface FaultRule {
  readonly operations?: readonly DiskOperation[];
  /** Part of the path. */
  readonly path?: string;
  /** Calls with a lower number don't count. */
  readonly fromCall?: number;
  /** Byte of the file; a call fits that touches it. */
  readonly byte?: number;
  /** Of the calls that fit, the first to fail, from 1. Default 1. */
  readonly nth?: number;
  /** All that fit from then on, not only one. */
  readonly lasting?: boolean;
  readonly fault: DiskFault;
}

/** Of rules that fit a call the first says what happens. Counts for itself: make a new one for each run. */
export function faultPlan(rules: readonly FaultRule[]): FaultHook {
  const counts = rules.map(() => 0);
  return (call) => {
    let fault: DiskFault | undefined;
    rules.forEach((rule, i) => {
      if (!fits(rule, call)) return;
      const count = (counts[i] as number) + 1;
      counts[i] = count;
      const first = rule.nth ?? 1;
      if (count === first || (count > first && rule.lasting === true)) fault ??= rule.fault;
    });
    return fault;
  };
}

function fits(rule: FaultRule, call: DiskCall): boolean {
  if (rule.operations?.includes(call.operation) === false) return false;
  if (rule.path !== undefined && !call.path.includes(rule.path)) return false;
  if (rule.fromCall !== undefined && call.number < rule.fromCall) return false;
  return rule.byte === undefined || (call.offset <= rule.byte && rule.byte < call.offset + call.length);
}
