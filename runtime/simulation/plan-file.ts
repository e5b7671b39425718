/**
 * Plan file: all that a run needs to be repeated, as JSON that a person can read and edit.
 *
 * ```
 * { "version": 1, "workload": name, "seed": n or text, "stopMs": n, "settings": WorldSettings, "plan": [PlanItem], "expect": text or null }
 * ```
 * `expect` is what failed, as `Failure.what` says it; null: nothing may fail.
 */
import { errorMessage, invalidArgument } from '../errors.ts';
import { checkPlan, type PlanItem } from './plan.ts';
import { completeNetwork, type WorldSettings } from './settings.ts';

export const PLAN_FILE_VERSION = 1;

/** One run, all of it data. */
export interface RunPlan {
  readonly seed: number | string;
  readonly settings: WorldSettings;
  readonly plan: readonly PlanItem[];
  /** When the run ends, in virtual ms. */
  readonly stopMs: number;
}

export interface PlanFile extends RunPlan {
  readonly version: typeof PLAN_FILE_VERSION;
  /** Name of the workload that the plan is for. */
  readonly workload: string;
  readonly expect: string | null;
}

export function formatPlanFile(file: PlanFile): string {
  const { version, workload, seed, stopMs, expect, settings, plan } = file;
  const lines = plan.map((item) => `    ${JSON.stringify(item)}`).join(',\n');
  const head = { version, workload, seed, stopMs, expect, settings };
  return `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "plan": [${lines === '' ? '' : `\n${lines}\n  `}]\n}\n`;
}

/** Errors: INVALID_ARGUMENT, saying what is wrong with the text. */
export function parsePlanFile(text: string): PlanFile {
  const file = parse(text);
  const { version, workload, seed, stopMs, expect, settings, plan } = file;
  if (version !== PLAN_FILE_VERSION)
    throw invalidArgument(`plan file: expected version ${PLAN_FILE_VERSION}, got ${JSON.stringify(version)}`);
  if (typeof workload !== 'string') throw invalidArgument('plan file: expected workload to be a text');
  if (typeof seed !== 'number' && typeof seed !== 'string') throw invalidArgument('plan file: expected seed to be a number or a text');
  if (typeof stopMs !== 'number' || !(stopMs > 0)) throw invalidArgument('plan file: expected stopMs above 0');
  if (expect !== null && typeof expect !== 'string') throw invalidArgument('plan file: expected expect to be a text or null');
  checkSettings(settings);
  checkPlan(plan);
  return { version, workload, seed, stopMs, expect, settings, plan };
}

function parse(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidArgument(`plan file: ${errorMessage(error)}`);
  }
  if (typeof value !== 'object' || value === null) throw invalidArgument('plan file: expected an object');
  return value as Record<string, unknown>;
}

function checkSettings(settings: unknown): asserts settings is WorldSettings {
  if (typeof settings !== 'object' || settings === null || !('nodes' in settings) || !Array.isArray(settings.nodes)) {
    throw invalidArgument('plan file: expected settings with an array of nodes');
  }
  completeNetwork((settings as unknown as WorldSettings).network);
}
