/**
 * The public API: the client of a cluster (`connect`), the store in one process (`open`), and the runtime that both are made of. `dynactor/testing` has the simulated
 * world, `dynactor/storage` the storage engine, `dynactor/level` the same for the `level` ecosystem.
 */

export type { Client, ClientEvents, CloseOptions } from './actors/client/client.ts';
export type { ClientErrorCode } from './actors/client/client-error.ts';
export { ClientError } from './actors/client/client-error.ts';
export type { Codec } from './actors/client/codecs.ts';
export { bytes, cbor, json, utf8 } from './actors/client/codecs.ts';
export { connect } from './actors/client/connect.ts';
export type { Context } from './actors/client/context-text.ts';
export type { Found, Sibling } from './actors/client/found.ts';
export type { DeleteOptions, Keyspace, KeyspaceOptions, PutOptions, Resolver, Written } from './actors/client/keyspace.ts';
export type { AdminOptions, KeyspaceAdmin } from './actors/client/keyspace-admin.ts';
export type { ScanEntry, ScanOptions } from './actors/client/keyspace-scan.ts';
export type { Outcome } from './actors/client/many.ts';
export type { ClientTuning, ConnectOptions, Durability, OperationOptions, ReadOptions, WriteOptions } from './actors/client/options.ts';
export type { BackoffRange, RetryBudgetOptions } from './actors/client/retry.ts';
export type { Topology, TopologyNode } from './actors/client/topology.ts';
export { type CompactionActorOptions, compactionActor } from './actors/compaction-actor.ts';
export { compactionAgent } from './actors/compaction-agent.ts';
export { CompactionDesk } from './actors/compaction-desk.ts';
export type { CompactionAgentMessage, CompactionMessage } from './actors/compaction-protocol.ts';
export { NodeError, type NodeErrorCode } from './actors/node/node-error.ts';
export { type OpenOptions, open } from './actors/node/open.ts';
export type { KeyspaceSettings } from './actors/ring/keyspace-defaults.ts';
export type { Keyspace as KeyspaceRules, MemberState, ReplicaCount } from './actors/ring/ring-state.ts';
export type {
  Actor,
  ActorContext,
  ActorDefinition,
  ActorFactory,
  Answer,
  JobTicket,
  MailboxOptions,
  OverflowPolicy,
  RejectionReason,
  Signal,
  SpawnOptions,
  StopReason,
  TerminationReason,
  TimerKey,
} from './runtime/actor.ts';
export { defineActor } from './runtime/actor.ts';
export type { Address, Place } from './runtime/address.ts';
export { MAIN_SHARD } from './runtime/address.ts';
export type { DeadLetter, DeadLetterReason } from './runtime/dead-letters.ts';
export type { ShardStart } from './runtime/definitions.ts';
export type { Clock, Log, LogFields, LogLevel, Random } from './runtime/doors.ts';
export type { RuntimeErrorCode } from './runtime/errors.ts';
export { assert, BugError, RuntimeError, unreachable } from './runtime/errors.ts';
export type { FileSystem } from './runtime/files.ts';
export type { FlightRecord } from './runtime/flight-recorder.ts';
export type { JobDefinition, JobOptions } from './runtime/jobs.ts';
export { defineJob } from './runtime/jobs.ts';
export type { Lane } from './runtime/lanes.ts';
export { BACKGROUND, CONTROL, REQUEST, RESPONSE } from './runtime/lanes.ts';
export type { ActorStats, Quantiles, ShardStats } from './runtime/metrics.ts';
export type { NodeAddress } from './runtime/node-address.ts';
export { formatNodeAddress, parseNodeAddress } from './runtime/node-address.ts';
export type { Listing, ReceptionistMessage, ServiceKey } from './runtime/receptionist-protocol.ts';
export { serviceKey } from './runtime/receptionist-protocol.ts';
export type { AnyRef, AskOptions, TellOptions } from './runtime/ref.ts';
export { Ref } from './runtime/ref.ts';
export type { RuntimeTuning } from './runtime/runtime-options.ts';
export type { BackoffOptions, Directive, SupervisionOptions, SupervisionScope } from './runtime/supervision.ts';
export type { SystemOptions, SystemStats } from './runtime/system.ts';
export { ActorSystem } from './runtime/system.ts';
export type { ThreadStats } from './runtime/thread-stats.ts';
export type { TcpLimits } from './runtime/wire/tcp-limits.ts';
