/** ClusterClients: what clients of a whole-cluster run ask the coordinators of shards, what they are told, and the histories that come of it. */
import type { Keyspace, RingState } from '../../../actors/ring/ring-state.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_READ,
  DELETE,
  GET,
  INDETERMINATE,
  NOT_FOUND,
  OK,
  PUT,
  STORAGE_FAILED,
  type StoreAnswer,
  StoreRequest,
} from '../../../actors/store/store-request.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { decodeNaive, type NaiveRecord, NO_RECORD } from '../version/naive-record.ts';
import { bareVector } from './bare-vector.ts';
import type { Action } from './cluster-run.ts';
import type { PurgeWatch } from './purge-watch.ts';
import { RegisterHistory } from './register-history.ts';
import type { Promises } from './run-promises.ts';
import { dotOf, newestOf, StoreHistory } from './store-history.ts';

const CLIENTS = 4;
const TIMEOUT_MS = 500;
/** So few that a record of all siblings there may be fits into the smallest memtable. */
const LONG_BYTES = 600;

/** A shard that takes requests. */
export interface Gateway {
  /** `node/shard`. */
  readonly name: string;
  /** Of its ring. */
  readonly members: number;
  readonly keyspaces: readonly Keyspace[];
  /** Of its thread. */
  readonly nowMs: number;
  readonly begin: (request: StoreRequest) => void;
  /** That thread still runs. */
  readonly isAlive: () => boolean;
  /** That node has a replica of the token's partition, by its ring. */
  readonly isPrimary: (keyspace: Keyspace, tokenHigh: number) => boolean;
}

/** A request as a person reads it. */
export interface WatchedRequest {
  readonly token: number;
  /** Of the gateway. */
  readonly where: string;
  /** `keyspace/key`. */
  readonly key: string;
  /** What was asked: kind, value, and what its context had seen. */
  readonly text: string;
}

/** Is told what happens in a run, and changes nothing of it. */
export interface ClusterWatch {
  readonly onAsked?: (request: WatchedRequest) => void;
  /** `text`: the status, and what the record holds. */
  readonly onAnswered?: (token: number, text: string) => void;
  /** A shard begins to serve by this ring. */
  readonly onRing?: (node: string, shard: number, ring: RingState) => void;
}

export interface ClusterClientsOptions {
  readonly nowMs: () => number;
  readonly promises: Promises;
  readonly watch?: ClusterWatch;
  readonly purged: PurgeWatch;
  /** Of a keyspace. Default 3. */
  readonly keys?: number;
}

interface Context {
  /** Ids, or dots of tombstones. */
  readonly seen: readonly string[];
  readonly vector: Uint8Array;
}

/** A write that was acknowledged. */
export interface Acknowledged {
  readonly id: string;
  /** `keyspace/key`. */
  readonly name: string;
  readonly dot: string;
  /** W, as it was resolved. */
  readonly needed: number;
  /** So many primaries have confirmed it. */
  readonly isStrict: boolean;
}

interface Pending {
  readonly what: string;
  readonly endMs: number;
  readonly isAlive: () => boolean;
}

interface Asked {
  readonly kind: StoreRequest['kind'];
  readonly value?: string;
  readonly context?: Uint8Array | typeof CONTEXT_READ;
  readonly r?: number;
  readonly w?: number;
  readonly isMonotonic?: boolean;
  readonly isLocal?: boolean;
  readonly primaries?: number;
  readonly timeoutMs?: number;
}

interface Told {
  readonly status: number;
  readonly bytes: Buffer;
  /** As the answer shows it. */
  readonly given: NaiveRecord;
  /** With what was purged of it. */
  readonly record: NaiveRecord;
  /** As many primaries as had to have answered. What a stand-in made up for is neither lost nor promised to be read at once. */
  readonly isStrict: boolean;
  /** How many replicas had to answer. */
  readonly needed: number;
}

export class ClusterClients {
  /** Of keyspaces whose clients bring contexts, by keyspace and key. */
  readonly history: StoreHistory;
  /** Of `cp` keys, whose writes read first. */
  readonly registers = new Map<string, RegisterHistory>();
  /** How many were told what: by kind and status. */
  readonly counts = new Map<string, number>();
  readonly acknowledged: Acknowledged[] = [];
  /** Answers in which stand-ins made up for primaries. */
  sloppy = 0;
  readonly #nowMs: () => number;
  readonly #forgets: boolean;
  readonly #watch: ClusterWatch;
  readonly #keys: number;
  readonly #purged: PurgeWatch;
  /** By client and key. */
  readonly #contexts = new Map<string, Context>();
  readonly #pending = new Map<number, Pending>();
  #requests = 0;

  constructor({ nowMs, promises, purged, watch = {}, keys = 3 }: ClusterClientsOptions) {
    this.#purged = purged;
    this.#nowMs = nowMs;
    this.#forgets = promises.forgets;
    this.#watch = watch;
    this.#keys = keys;
    this.history = new StoreHistory({ keepsSingle: promises.keepsSingle });
  }

  do(action: Exclude<Action, 'createKeyspace' | 'setUp' | 'purging'>, draw: number, gateway: Gateway): void {
    const random = new SeededRandom(`request ${draw}`);
    const keyspace = gateway.keyspaces[random.below(gateway.keyspaces.length)];
    if (keyspace === undefined) return;
    const key = `k${random.below(this.#keys)}`;
    if (keyspace.mode === 'cp') this.#doRegister(action, keyspace, key, gateway);
    else if (action === 'get') this.#doGet(random, keyspace, key, gateway);
    else this.#doWrite(action, random, keyspace, key, gateway);
  }

  /** Puts a key that nobody else writes, on all `replicas`; `done` is called when they all have it, and nobody in place of one. */
  putOnce(keyspace: Keyspace, key: string, replicas: number, gateway: Gateway, done: () => void): void {
    const asked = { kind: PUT, value: key, w: Math.min(keyspace.n, replicas), timeoutMs: 1_500 } as const;
    this.#ask(asked, keyspace, key, gateway, ({ status, isStrict }) => (status === OK && isStrict ? done() : undefined));
  }

  /** Every key, as R = quorum reads it there. */
  readEach(gateway: Gateway): void {
    for (const keyspace of gateway.keyspaces)
      for (let i = 0; i < this.#keys; i++) {
        const key = `k${i}`;
        if (keyspace.mode === 'cp') this.#doRegister('get', keyspace, key, gateway);
        else
          this.#ask({ kind: GET, timeoutMs: 2_000 }, keyspace, key, gateway, ({ status, record }) => {
            const at = { calledMs: this.#nowMs(), endedMs: this.#nowMs() };
            if (status === OK || status === NOT_FOUND)
              this.history.read({ key: nameOf(keyspace, key), record, ...at, isQuorum: true, isMonotonic: false });
          });
      }
  }

  get keys(): readonly string[] {
    return Array.from({ length: this.#keys }, (_, i) => `k${i}`);
  }

  /** What all `replicas` of each key together have, told to `done`, and to the registers. */
  readAll(replicas: number, gateway: Gateway, done: (key: string, told: Told) => void): void {
    for (const keyspace of gateway.keyspaces)
      for (let i = 0; i < this.#keys; i++) {
        const r = Math.min(keyspace.n, replicas);
        const register = this.registers.get(nameOf(keyspace, `k${i}`));
        const begunAt = register?.begin() ?? 0;
        this.#ask({ kind: GET, r, primaries: r, timeoutMs: 2_000 }, keyspace, `k${i}`, gateway, (told) => {
          if (told.status === OK || told.status === NOT_FOUND) register?.read(begunAt, told.record.siblings);
          done(nameOf(keyspace, `k${i}`), told);
        });
      }
  }

  /** What that node itself has. */
  readLocal(keyspace: Keyspace, key: string, gateway: Gateway, done: (name: string, told: Told) => void): void {
    this.#ask({ kind: GET, isLocal: true }, keyspace, key, gateway, (told) => done(nameOf(keyspace, key), told));
  }

  /** Requests of threads that still run, and that are past their deadline. */
  unanswered(graceMs: number): readonly string[] {
    return [...this.#pending.values()].filter(({ endMs, isAlive }) => endMs + graceMs < this.#nowMs() && isAlive()).map(({ what }) => what);
  }

  #doGet(random: SeededRandom, keyspace: Keyspace, key: string, gateway: Gateway): void {
    const name = nameOf(keyspace, key);
    const client = random.below(CLIENTS);
    const isMonotonic = random.chance(0.3);
    const isOne = random.chance(0.15);
    const calledMs = this.#nowMs();
    this.#ask({ kind: GET, isMonotonic, r: isOne ? 1 : 0 }, keyspace, key, gateway, ({ status, bytes, given, record, isStrict }) => {
      if (status !== OK && status !== NOT_FOUND) return;
      this.history.read({
        ...{ key: name, record, calledMs, endedMs: this.#nowMs() },
        ...{ isQuorum: isStrict && (isMonotonic || !isOne), isMonotonic: isMonotonic && !this.#forgets },
      });
      const seen = given.siblings.map((it) => (it.isTombstone ? dotOf(it) : it.value));
      this.#contexts.set(`${client} ${name}`, { seen, vector: bareVector(bytes) });
    });
  }

  #doWrite(action: 'put' | 'delete', random: SeededRandom, keyspace: Keyspace, key: string, gateway: Gateway): void {
    const name = nameOf(keyspace, key);
    const context = random.chance(0.8) ? this.#contexts.get(`${random.below(CLIENTS)} ${name}`) : undefined;
    const isOne = random.chance(0.15);
    const isDelete = action === 'delete';
    const write = this.history.write({
      ...{ id: `w${this.#requests}`, key: name, isDelete, parents: new Set(context?.seen), calledMs: this.#nowMs(), isQuorum: !isOne },
    });
    const asked = { context: context?.vector ?? NOTHING, w: isOne ? 1 : 0 };
    this.#ask(isDelete ? { ...asked, kind: DELETE } : { ...asked, kind: PUT, value: write.id }, keyspace, key, gateway, (told) => {
      write.isQuorum &&= told.isStrict;
      if (told.status === OK) {
        this.history.acknowledged(write, told.given, this.#nowMs());
        this.#noteAcknowledged(write.id, name, told);
      } else write.outcome = told.status === INDETERMINATE || told.status === STORAGE_FAILED ? 'unknown' : 'refused';
    });
  }

  #doRegister(action: 'get' | 'put' | 'delete', keyspace: Keyspace, key: string, gateway: Gateway): void {
    const name = nameOf(keyspace, key);
    const register = this.registers.get(name) ?? new RegisterHistory();
    this.registers.set(name, register);
    if (action === 'get') {
      const begunAt = register.begin();
      this.#ask({ kind: GET }, keyspace, key, gateway, ({ status, record }) => {
        if (status === OK || status === NOT_FOUND) register.read(begunAt, record.siblings);
      });
      return;
    }
    const isDelete = action === 'delete';
    const write = register.write(`w${this.#requests}`, isDelete);
    const asked = { context: CONTEXT_READ } as const;
    this.#ask(isDelete ? { ...asked, kind: DELETE } : { ...asked, kind: PUT, value: write.id }, keyspace, key, gateway, (told) => {
      if (told.status !== OK) return;
      register.acknowledged(write, isDelete, told.given.siblings);
      this.#noteAcknowledged(write.id, name, told);
    });
  }

  #noteAcknowledged(id: string, name: string, { given, needed, isStrict }: Told): void {
    const newest = newestOf(given.siblings);
    if (newest !== undefined) this.acknowledged.push({ id, name, dot: dotOf(newest), needed, isStrict });
  }

  #ask(asked: Asked, keyspace: Keyspace, key: string, gateway: Gateway, done: (told: Told) => void): void {
    const { nowMs, begin, isAlive } = gateway;
    const { kind, value = '', context, r = 0, w = 0, isMonotonic = false, isLocal = false, primaries = 0, timeoutMs = TIMEOUT_MS } = asked;
    const request = new StoreRequest();
    request.kind = kind;
    request.keyspace = keyspace;
    request.key = Buffer.from(key);
    request.keyEnd = request.key.length;
    request.value = Buffer.from(value === '' ? value : padded(value, this.#requests));
    request.valueEnd = request.value.length;
    if (context === CONTEXT_READ) request.contextKind = CONTEXT_READ;
    else if (context !== undefined && context.length > 0) {
      request.contextKind = CONTEXT_GIVEN;
      request.context = context;
      request.contextEnd = context.length;
    }
    request.r = r;
    request.w = w;
    request.isMonotonic = isMonotonic;
    request.isLocal = isLocal;
    request.primaries = primaries;
    request.deadlineMs = nowMs + timeoutMs;
    request.token = this.#requests++;
    this.#pending.set(request.token, { what: `${KINDS[kind]} ${nameOf(keyspace, key)}`, endMs: this.#nowMs() + timeoutMs, isAlive });
    const { token } = request;
    this.#watch.onAsked?.({ token, where: gateway.name, key: nameOf(keyspace, key), text: textOf(asked, token) });
    request.sink = {
      answered: (_token, answer) => {
        const { status, record: view } = answer;
        if (!this.#pending.delete(token)) this.history.faults.push(`T35: ${KINDS[kind]} ${nameOf(keyspace, key)} was answered twice`);
        const bytes = Buffer.from(view.bytes.subarray(view.start, view.end));
        const what = `${KINDS[kind]} ${status}`;
        this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
        const decoded = bytes.length === 0 ? NO_RECORD : readRecord(bytes);
        this.#watch.onAnswered?.(token, `${STATUSES[status] ?? status}${shown(decoded)}`);
        if (status === OK || status === NOT_FOUND) this.#checkVotes(`${KINDS[kind]} ${nameOf(keyspace, key)}`, keyspace, answer);
        const isStrict = answer.primaries >= Math.min(answer.received, answer.needed);
        if (!isStrict) this.sloppy++;
        const record = this.#purged.shown(keyspace, key, decoded, keyspace.mode === 'cp');
        const vector = this.#purged.vectorOf(keyspace, key);
        if (vector !== undefined) this.history.purged(nameOf(keyspace, key), vector);
        done({ status, bytes, given: decoded, record, isStrict, needed: answer.needed });
      },
    };
    begin(request);
  }

  /** Who counted. */
  #checkVotes(what: string, { mode }: Keyspace, { record, received, primaries, replied, repliedCount }: StoreAnswer): void {
    const { faults } = this.history;
    const nodes = new Set(replied.subarray(0, repliedCount)).size;
    if (nodes < repliedCount) faults.push(`T27: ${what}: one node has ${repliedCount} votes of ${nodes}`);
    if (mode === 'cp' && received > primaries) faults.push(`T14: ${what}: ${received} have counted, ${primaries} of them primaries`);
    if (primaries === 0 && record.entries === 0) faults.push(`T15: ${what}: nothing is found, and no primary was asked`);
  }
}

function nameOf({ name }: Keyspace, key: string): string {
  return `${name}/${key}`;
}

/** Every other value is long, so that memtables are flushed and keys are on disk only. Ids have no dots. */
function padded(id: string, request: number): string {
  return request % 2 === 0 ? id : id.padEnd(LONG_BYTES, '.');
}

/** With ids for values. */
export function readRecord(bytes: Buffer): NaiveRecord {
  const { vector, siblings } = decodeNaive(bytes);
  return { vector, siblings: siblings.map((sibling) => ({ ...sibling, value: sibling.value.split('.', 1)[0]! })) };
}

/** What a person reads of a request. A write is named as checkers name it: by its value, and a delete, which has none, by the number of its request, which is that of the write. */
function textOf({ kind, value, context, r = 0, w = 0, isMonotonic }: Asked, token: number): string {
  const parts = [
    KINDS[kind],
    kind === DELETE ? `w${token}` : value,
    r > 0 ? `r=${r}` : '',
    w > 0 ? `w=${w}` : '',
    isMonotonic ? 'monotonic' : '',
  ];
  if (context === CONTEXT_READ) parts.push('after a read');
  else if (context !== undefined && context.length > 0) parts.push('with a context');
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}

export function shown({ siblings }: NaiveRecord): string {
  if (siblings.length === 0) return '';
  return ` [${siblings.map((it) => (it.isTombstone ? `deleted(${shortDot(it)})` : it.value)).join(' ')}]`;
}

function shortDot({ actor, counter }: NaiveRecord['siblings'][number]): string {
  return `${actor.slice(0, 4)}:${counter}`;
}

const KINDS = ['', 'get', 'put', 'delete'];
/** By the numbers of store-request.ts. */
export const STATUSES = [
  ...['OK', 'NOT_FOUND', 'QUORUM_NOT_MET', 'INDETERMINATE', 'OVERLOADED', 'TIMED_OUT', 'INVALID', 'LOADING'],
  ...['STORAGE_FAILED', 'STALE_RING', 'NO_KEYSPACE'],
];
const NOTHING = new Uint8Array(0);
