/** `dynactor/testing`: a simulated world to test actors in. */

export type { LinkQuality } from './conditions.ts';
export {
  allCrashModels,
  CONTENT_ONLY,
  type CrashChoices,
  type CrashModel,
  drawnModel,
  fillFrom,
  KEEP_ALL,
  keepPrefix,
  keepPrefixAndNames,
  keepRandom,
  LOSE_ALL,
  NAMES_ONLY,
  omitOne,
  type PendingEdit,
  SURVIVORS,
  type Survival,
  type Survivors,
  tear,
} from './crash-models.ts';
export { type DiskCall, type DiskFault, type DiskOperation, type FaultHook, type FaultRule, faultPlan } from './disk-faults.ts';
export type { Distribution } from './distribution.ts';
export type { DeathKind } from './fabric.ts';
export { type ActItem, describeItem, type FaultKind, milderItems, type PlanItem, planEndMs } from './plan.ts';
export { formatPlanFile, PLAN_FILE_VERSION, type PlanFile, parsePlanFile, type RunPlan } from './plan-file.ts';
export { DISK_FAULT_KINDS, FAULT_KINDS, generatePlan, type PlanProfile } from './plan-generator.ts';
export type { Probe } from './probe.ts';
export type { SchedulingOptions, SchedulingPolicy } from './scheduling.ts';
export type { NetworkSettings, NodeSettings, TuningSettings, WorldSettings } from './settings.ts';
export { type ShrinkOptions, type ShrinkResult, shrink } from './shrink.ts';
export { PowerLossError, SimDisk } from './sim-disk.ts';
export { SimFiles, type SimFilesOptions } from './sim-files.ts';
export type { LogLine } from './sim-log.ts';
export type { SimNode, SimShard } from './sim-node.ts';
export { SimSyncFiles } from './sim-sync-files.ts';
export type { CpuOptions } from './sim-thread.ts';
export { SimTimers } from './sim-timers.ts';
export { type AskHolder, Simulation, type SimulationOptions } from './simulation.ts';
export { TestKit, type TestKitOptions } from './test-kit.ts';
export { type BuiltWorkload, type ReplayResult, type RunResult, replay, runWorkload, type Workload } from './workload.ts';
export type { Failure } from './world.ts';
