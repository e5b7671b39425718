/**
 * Checks of what comes to a RingActor, before a field of it is used: most of it comes from other processes, which may be of another version or broken. Contents that
 * travel as bytes are checked where they are decoded.
 */
import type { Log } from '../../runtime/doors.ts';
import { Ref } from '../../runtime/ref.ts';
import { ROUND_MAX } from '../consensus/ballot.ts';
import type { OperationOutcome } from '../ring/operation.ts';
import type { Member } from '../ring/ring-state.ts';
import type { AcceptAnswer, Fetched, PrepareAnswer, RegisterAnswer, RingMessage } from '../ring-protocol.ts';

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const ID = /^[0-9a-f]{32}$/;
const INSTANCE = /^[0-9a-f]{16}$/;
const U32_MAX = 0xffff_ffff;
const SURVIVORS_MAX = 65_536;

const isId: Check = (value) => typeof value === 'string' && ID.test(value);
const isRef: Check = (value) => value instanceof Ref;
const isText: Check = (value) => typeof value === 'string';
const isBytes: Check = (value) => value instanceof Uint8Array;
const isBoot: Check = whole(1, Number.MAX_SAFE_INTEGER);
const isInstance: Check = (value) => typeof value === 'string' && INSTANCE.test(value);
const isVersion = shape({ generation: whole(1, U32_MAX), epoch: whole(1, U32_MAX) });
const isBallot = shape({ round: whole(1, ROUND_MAX), proposer: isId });
const isSender = shape({ cluster: isId, id: isId, boot: isBoot, instance: isInstance });
const isRing = shape({ generation: whole(1, U32_MAX), epoch: whole(1, U32_MAX), bytes: isBytes });
const isAccepted = shape({ ballot: isBallot, proposal: isBytes });

const MESSAGES: Readonly<Record<RingMessage['type'], Fields>> = {
  register: { from: isSender, replyTo: isRef },
  prepare: { from: isSender, version: isVersion, ballot: isBallot, replyTo: isRef },
  accept: { from: isSender, version: isVersion, ballot: isBallot, proposal: isBytes, replyTo: isRef },
  ring: { from: isSender, ring: isRing },
  fetchRing: { replyTo: isRef },
  status: { replyTo: isRef },
  propose: { proposal: shape({ operationId: isId, operation: shape({ type: isText }) }), replyTo: isRef },
  init: { ring: shape({}), replyTo: isRef },
  force: {
    operationId: isId,
    survivors: (value) => Array.isArray(value) && value.length <= SURVIVORS_MAX && value.every(isId),
    replyTo: isRef,
  },
  subscribe: { subscriber: isRef },
  follow: { shard: whole(0, U32_MAX), has: orNull(isVersion), agent: isRef },
  switched: { shard: whole(0, U32_MAX), version: isVersion },
  view: { view: shape({ members: Array.isArray }) },
};

type Answered = RegisterAnswer | PrepareAnswer | AcceptAnswer;

const ANSWERS: Readonly<Record<Answered['type'], Fields>> = {
  registered: { from: isSender, version: isVersion },
  superseded: { boot: isBoot, instance: isInstance },
  notAMember: { ring: isRing },
  promised: { from: isSender, accepted: orNull(isAccepted) },
  accepted: { from: isSender },
  refused: { promised: isBallot },
  newer: { ring: isRing },
  behind: { version: isVersion },
  notVoting: { reason: isText },
};

const STANDINGS: Readonly<Record<'standing', Fields>> = {
  standing: { ring: orNull(isRing), mayServe: (value) => typeof value === 'boolean' },
};

/** As `faultOfMessage`, of what a shard is told. */
export function faultOfStanding(message: unknown): string | null {
  return faultIn(message, STANDINGS);
}

/** What is wrong with a message; null when nothing is. */
export function faultOfMessage(message: unknown): string | null {
  return faultIn(message, MESSAGES);
}

/** Of answers of that member to register, prepare and accept. */
export function isSound(answer: unknown, { id }: Pick<Member, 'id'>, log: Log): boolean {
  const fault = faultIn(answer, ANSWERS);
  if (fault !== null) log.warn('malformed answer refused', { fault, member: id });
  return fault === null;
}

export function isFetched(answer: unknown): answer is Fetched {
  return shape({ ring: orNull(isRing) })(answer);
}

export function isOutcome(answer: unknown): answer is OperationOutcome {
  if (!isRecord(answer)) return false;
  return answer['ok'] === true
    ? isVersion(answer['version'])
    : answer['ok'] === false && isText(answer['code']) && isText(answer['message']);
}

function faultIn(value: unknown, table: Readonly<Record<string, Fields>>): string | null {
  if (!isRecord(value)) return `expected an object, found ${value === null ? 'null' : typeof value}`;
  const { type } = value;
  if (typeof type !== 'string' || !Object.hasOwn(table, type)) return `expected a known type, found ${shown(type)}`;
  for (const [name, isRight] of Object.entries(table[type]!))
    if (!isRight(value[name])) return `${type}: wrong ${name}: ${shown(value[name])}`;
  return null;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value === null ? 'null' : typeof value;
}

function shape(fields: Fields): Check {
  const entries = Object.entries(fields);
  return (value) => isRecord(value) && entries.every(([name, isRight]) => isRight(value[name]));
}

function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

function whole(min: number, max: number): Check {
  return (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
