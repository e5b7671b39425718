/** RegisterWorkload: clients of the keyspace `cp` by RESP, through any node: SET, KV.DEL, and KV.GET, which shows siblings. */
import { SeededRandom } from '../../runtime/random.ts';
import { RegisterLog } from './register-log.ts';
import { NOBODY, type Reply, RespClient } from './resp-client.ts';
import { RotatingKeys } from './rotating-keys.ts';
import type { WorkloadOptions } from './store-workload.ts';
import type { Tally } from './tally.ts';
import { Timeline } from './timeline.ts';

interface Key {
  readonly name: string;
  readonly timeline: Timeline;
  readonly log: RegisterLog;
}

export interface Shown {
  readonly context: string;
  readonly values: readonly string[];
  readonly tombstones: number;
}

const KEYSPACE = 'cp';
const KEYS_IN_USE = 6;
const USES_MAX = 150;
const PAUSE_MS = 8;
/** Longer than a node takes to give up. */
const TIMEOUT_MS = 6_000;
const MOVE_CHANCE = 0.01;

export class RegisterWorkload {
  readonly #options: WorkloadOptions;
  readonly #ports: () => readonly number[];
  readonly #keys: RotatingKeys<Key>;
  #isStopped = false;
  #writes = 0;
  readonly #running: Promise<unknown>;

  constructor(ports: () => readonly number[], options: WorkloadOptions) {
    this.#options = options;
    this.#ports = ports;
    this.#keys = new RotatingKeys(KEYS_IN_USE, USES_MAX, (number) => ({
      ...{ name: `c${number}`, timeline: new Timeline(options.moments), log: new RegisterLog() },
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

  /** By all replicas, when all is over. Returns what is found; null: it could not be read. */
  async readLast(client: RespClient, key: string, replicas: number): Promise<Shown | null> {
    return this.#get(client, this.#keys.all.find(({ name }) => name === key)!, 'last read', 'R', replicas);
  }

  /** What is wrong, by key. */
  faults(): Map<string, readonly string[]> {
    const faults = new Map<string, readonly string[]>();
    for (const { name, log } of this.#keys.all) {
      const found = log.faults();
      if (found.length > 0) faults.set(name, found);
    }
    return faults;
  }

  timeline(key: string): readonly string[] {
    return this.#keys.all.find(({ name }) => name === key)?.timeline.lines ?? [];
  }

  async #run(client: number): Promise<void> {
    const random = new SeededRandom(`${this.#options.seed}:cp:${client}`);
    const resp = new RespClient(this.#ports, KEYSPACE, TIMEOUT_MS, client);
    while (!this.#isStopped) {
      if (random.chance(MOVE_CHANCE)) resp.moveOn();
      const key = this.#keys.take(random);
      if (random.chance(0.5)) await this.#get(resp, key, `client ${client} get`);
      else await this.#write(resp, key, client, random.chance(0.2));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * random.float()));
    }
    resp.close();
  }

  async #get(resp: RespClient, { name, timeline, log }: Key, who: string, ...more: readonly (string | number)[]): Promise<Shown | null> {
    const { moments, tally } = this.#options;
    const begunAt = moments.next();
    const ended = timeline.begin(who);
    const told = await resp.ask('KV.GET', name, ...more);
    const endedAt = moments.next();
    count(tally, 'cp get', told);
    if (told.outcome !== 'ok') {
      ended(`${told.code} (port ${resp.port})`);
      return null;
    }
    const shown = shownIn(told.reply);
    ended(`[${shown.values.join(', ')}], ${shown.tombstones} tombstones (port ${resp.port})`);
    log.read({ begunAt, endedAt, ...shown });
    return shown;
  }

  async #write(resp: RespClient, { name, timeline, log }: Key, client: number, isDelete: boolean): Promise<void> {
    const { moments, tally } = this.#options;
    const id = `w${this.#writes++}`;
    const write = log.write(id, isDelete, moments.next());
    const ended = timeline.begin(`client ${client} ${isDelete ? 'delete' : 'set'} ${id}`);
    const told = await (isDelete ? resp.ask('KV.DEL', name) : resp.ask('SET', name, id));
    if (told.outcome === 'ok') write.endedAt = moments.next();
    write.isRefused = told.outcome === 'refused';
    count(tally, isDelete ? 'cp delete' : 'cp set', told);
    ended(`${told.outcome === 'ok' ? 'ok' : `${told.outcome}, ${told.code}`} (port ${resp.port})`);
  }
}

/** Of the reply to KV.GET, a map as RESP2 has them. */
export function shownIn(reply: unknown): Shown {
  const fields = new Map<unknown, unknown>();
  const list = reply as readonly unknown[];
  for (let i = 0; i + 1 < list.length; i += 2) fields.set(list[i], list[i + 1]);
  return {
    context: String(fields.get('context')),
    values: (fields.get('values') as readonly string[]).map(String),
    tombstones: Number(fields.get('tombstones')),
  };
}

/** What could be asked of nobody is no operation. */
function count(tally: Tally, kind: string, told: Reply): void {
  if (told.outcome === 'ok') tally.add(kind, 'ok');
  else if (told.code !== NOBODY) tally.add(kind, `${told.code}${told.outcome === 'unknown' ? ' (unknown)' : ''}`);
}
