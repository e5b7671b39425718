/** `dynactor/testing`: a simulated world to test actors in. */

export type { LinkQuality } from './conditions.ts';
export type { Distribution } from './distribution.ts';
export type { DeathKind } from './fabric.ts';
export { describeItem, type FaultKind, milderItems, type PlanItem, planEndMs } from './plan.ts';
export { formatPlanFile, PLAN_FILE_VERSION, type PlanFile, parsePlanFile, type RunPlan } from './plan-file.ts';
export { FAULT_KINDS, generatePlan, type PlanProfile } from './plan-generator.ts';
export type { Probe } from './probe.ts';
export type { SchedulingOptions, SchedulingPolicy } from './scheduling.ts';
export type { NetworkSettings, NodeSettings, TuningSettings, WorldSettings } from './settings.ts';
export { type ShrinkOptions, type ShrinkResult, shrink } from './shrink.ts';
export type { LogLine } from './sim-log.ts';
export type { SimNode, SimShard } from './sim-node.ts';
export type { CpuOptions } from './sim-thread.ts';
export { type AskHolder, Simulation, type SimulationOptions } from './simulation.ts';
export { TestKit, type TestKitOptions } from './test-kit.ts';
export { type BuiltWorkload, type ReplayResult, type RunResult, replay, runWorkload, type Workload } from './workload.ts';
export type { Failure } from './world.ts';
