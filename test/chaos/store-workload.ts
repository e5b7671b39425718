/**
 * StoreWorkload: clients of the keyspace `ap` by the client library, who read, and write with or without the context of what they have read; checked by the simulator's StoreHistory, key by key.
 */
import { DELETE, GET, PUT } from '../../actors/store/store-request.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { bareVector } from '../actors/store/bare-vector.ts';
import { dotOf, StoreHistory, type Write } from '../actors/store/store-history.ts';
import { decodeNaive, type NaiveRecord, NO_RECORD } from '../actors/version/naive-record.ts';
import type { RecordClient, Told } from './record-client.ts';
import { RotatingKeys } from './rotating-keys.ts';
import type { Tally } from './tally.ts';
import { type Moments, Timeline } from './timeline.ts';

export interface WorkloadOptions {
  readonly seed: string;
  readonly clients: number;
  readonly moments: Moments;
  readonly tally: Tally;
  /** Sets of R and of W replicas meet (no stand-ins take part): reads see what was acknowledged before. */
  readonly isStrict: boolean;
}

interface Context {
  readonly seen: readonly string[];
  readonly vector: Uint8Array;
}

interface Key {
  readonly name: string;
  readonly timeline: Timeline;
  readonly contexts: Map<number, Context>;
  /** Told to a history when all is over: records as bytes are a tenth of what they are when decoded. */
  readonly steps: ((history: StoreHistory) => void)[];
}

const KEYSPACE = 'ap';
const KEYS_IN_USE = 6;
const USES_MAX = 150;
const PAUSE_MS = 8;

export class StoreWorkload {
  readonly #options: WorkloadOptions;
  readonly #client: RecordClient;
  readonly #keys: RotatingKeys<Key>;
  #isStopped = false;
  #writes = 0;
  readonly #running: Promise<unknown>;

  constructor(client: RecordClient, options: WorkloadOptions) {
    this.#options = options;
    this.#client = client;
    this.#keys = new RotatingKeys(KEYS_IN_USE, USES_MAX, (number) => ({
      ...{ name: `a${number}`, timeline: new Timeline(options.moments), contexts: new Map(), steps: [] },
    }));
    this.#running = Promise.all(Array.from({ length: options.clients }, (_, client) => this.#run(client)));
  }

  get keys(): readonly string[] {
    return this.#keys.all.map(({ name }) => name);
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** `finals`: by key, the record that all replicas together have. Returns what is wrong, by key. Requires: `stop` has resolved. */
  faults(finals: ReadonlyMap<string, Buffer>): Map<string, readonly string[]> {
    const faults = new Map<string, readonly string[]>();
    for (const { name, steps } of this.#keys.all) {
      const history = new StoreHistory();
      for (const step of steps) step(history);
      const final = finals.get(name);
      history.end(final === undefined ? new Map() : new Map([[name, recordOf(final)]]));
      if (history.faults.length > 0) faults.set(name, [...new Set(history.faults)]);
    }
    return faults;
  }

  timeline(key: string): readonly string[] {
    return this.#keys.all.find(({ name }) => name === key)?.timeline.lines ?? [];
  }

  async #run(client: number): Promise<void> {
    const random = new SeededRandom(`${this.#options.seed}:ap:${client}`);
    while (!this.#isStopped) {
      const key = this.#keys.take(random);
      if (random.chance(0.5)) await this.#get(client, key, random);
      else await this.#write(client, key, random);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * random.float()));
    }
  }

  async #get(client: number, key: Key, random: SeededRandom): Promise<void> {
    const { moments, tally, isStrict } = this.#options;
    const isOne = random.chance(0.1);
    const calledMs = moments.next();
    const ended = key.timeline.begin(`client ${client} get${isOne ? ', R 1' : ''}`);
    const told = await this.#client.ask({ kind: GET, keyspace: KEYSPACE, key: key.name, replicas: isOne ? 1 : undefined });
    const endedMs = moments.next();
    tally.add('ap get', codeOf(told));
    if (told.outcome !== 'ok') return ended(told.code);
    const { bytes } = told;
    const seen = seenIn(recordOf(bytes));
    ended(`[${seen.join(', ')}]`);
    key.steps.push((history) => history.read({ key: key.name, record: recordOf(bytes), calledMs, endedMs, isQuorum: isStrict && !isOne }));
    key.contexts.set(client, { seen, vector: bareVector(bytes) });
  }

  async #write(client: number, key: Key, random: SeededRandom): Promise<void> {
    const { moments, tally } = this.#options;
    const isDelete = random.chance(0.2);
    const isOne = random.chance(0.1);
    // Mostly what it has read itself; at times somebody else's.
    const from = random.chance(0.8) ? client : random.below(this.#options.clients);
    const context = random.chance(0.85) ? key.contexts.get(from) : undefined;
    const id = `w${this.#writes++}`;
    // Of what was not found there is none: an empty one is malformed.
    const given = context?.vector.length === 0 ? undefined : context?.vector;
    const fields = { id, key: key.name, isDelete, parents: new Set(context?.seen), calledMs: moments.next(), isQuorum: !isOne };
    const what = `client ${client} ${isDelete ? 'delete' : 'put'} ${id} after [${context?.seen.join(', ') ?? ''}]${isOne ? ', W 1' : ''}`;
    const ended = key.timeline.begin(what);
    const told = await this.#client.ask({
      ...{ kind: isDelete ? DELETE : PUT, keyspace: KEYSPACE, key: key.name, context: given, replicas: isOne ? 1 : undefined },
      ...(isDelete ? {} : { value: id }),
    });
    const ackedMs = moments.next();
    tally.add(isDelete ? 'ap delete' : 'ap put', codeOf(told));
    ended(told.outcome === 'ok' ? `ok, [${seenIn(recordOf(told.bytes)).join(', ')}]` : `${told.outcome}, ${told.code}`);
    key.steps.push((history) => tell(history, history.write(fields), told, ackedMs));
  }
}

function tell(history: StoreHistory, write: Write, told: Told, ackedMs: number): void {
  if (told.outcome === 'ok') history.acknowledged(write, recordOf(told.bytes), ackedMs);
  else write.outcome = told.outcome;
}

function recordOf(bytes: Buffer): NaiveRecord {
  return bytes.length === 0 ? NO_RECORD : decodeNaive(bytes);
}

/** Ids, and dots of tombstones. */
function seenIn(record: NaiveRecord): readonly string[] {
  return record.siblings.map((it) => (it.isTombstone ? dotOf(it) : it.value));
}

function codeOf(told: Told): string {
  return told.outcome === 'ok' ? 'ok' : `${told.code}${told.outcome === 'unknown' ? ' (unknown)' : ''}`;
}
