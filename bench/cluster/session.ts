/** One target, started, loaded and measured row by row, then stopped. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DELAY_RESOLUTION_MS } from '../../runtime/threads/node-thread.ts';
import { GeneratorThread } from './generator-thread.ts';
import { figuresBetween, lookAtNodes } from './node-figures.ts';
import { loadRow, type Row } from './plan.ts';
import type { Conditions, LoopKind } from './result.ts';
import { peakMiB } from './server-usage.ts';
import type { Running, StartOptions, Target } from './target.ts';
import type { Outcome, Task } from './task.ts';

export interface SessionOptions extends StartOptions {
  readonly valueBytes: number;
  readonly records: number;
  readonly settleMs: number;
  readonly ms: number;
  /** Share of a row's closed-loop rate at which its open loop runs; 0: no open loop. */
  readonly openShare: number;
  /** Instead, so many per second for everybody; 0: by the share. */
  readonly openRate: number;
  readonly seed: number;
}

export type OnOutcome = (conditions: Conditions, row: Row, loop: LoopKind, outcome: Outcome) => void;

/** Errors: it doesn't start, breaks, or is silent for too long. */
export async function runSession(target: Target, rows: readonly Row[], options: SessionOptions, onOutcome: OnOutcome): Promise<void> {
  const running = await target.start(options);
  try {
    const { valueBytes, records, seed } = options;
    const generator = await GeneratorThread.start({ address: running.address, isStrict: running.isStrict, valueBytes, records, seed });
    try {
      await measure(target, running, generator, rows, options, onOutcome);
      await generator.close();
    } finally {
      await generator.stop();
    }
  } finally {
    await running.stop();
  }
}

async function measure(
  target: Target,
  { pids, httpPorts, described }: Running,
  generator: GeneratorThread,
  rows: readonly Row[],
  options: SessionOptions,
  onOutcome: OnOutcome,
): Promise<void> {
  const { durability, valueBytes, settleMs, ms, openShare, openRate } = options;
  const conditions: Conditions = { durability, valueBytes, target: target.name, described };
  const restMiB = peakMiB(pids);
  const run = async (row: Row, loop: Task['loop']): Promise<Outcome> => {
    const { workload, distribution } = row;
    const begun = await lookAtNodes(httpPorts);
    // This thread has nothing to do but wait for the generator's.
    const idle = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
    idle.enable();
    const ran = await generator.run({ workload: workload.name, distribution, loop, pids });
    idle.disable();
    const idleDelayP99Ms = Math.max(0, idle.percentile(99) / 1e6 - DELAY_RESOLUTION_MS);
    const seen = figuresBetween(begun, await lookAtNodes(httpPorts), idleDelayP99Ms);
    const outcome = { ...ran, figures: { ...ran.figures, ...seen, restMiB, peakMiB: peakMiB(pids) } };
    onOutcome(conditions, row, loop.kind, outcome);
    return outcome;
  };
  const deepest = Math.max(...target.depths);
  /** Every record once, whatever time that takes. */
  const sweep = (row: Row): Promise<Outcome> =>
    run(row, { kind: 'closed', depth: row.depth, settleMs: 0, ms: Number.POSITIVE_INFINITY, operations: options.records });
  await sweep(loadRow(deepest));
  for (const row of rows) {
    const { depth, workload } = row;
    if (!target.offers(workload) || !target.depths.includes(depth)) continue;
    if (workload.name === 'read-back') {
      await sweep({ ...row, depth: deepest });
      continue;
    }
    const { figures } = await run(row, { kind: 'closed', depth, settleMs, ms });
    const perSecond = openRate > 0 ? openRate : figures.perSecond * openShare;
    if (depth === 1 && perSecond >= 1) await run(row, { kind: 'open', perSecond, settleMs, ms });
  }
}
