/** RespClient: asks nodes by RESP, one after the other: the next when one fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { redisTo } from '../actors/node/redis-writer.ts';

export type Reply =
  | { readonly outcome: 'ok'; readonly reply: unknown }
  /** refused: nothing was done. unknown: it may have been. */
  | { readonly outcome: 'refused' | 'unknown'; readonly code: string };

/** What begins the texts of errors that say that nothing was done. */
const REFUSALS: ReadonlySet<string> = new Set(['CLUSTERDOWN', 'TRYAGAIN', 'LOADING']);

/** No node runs. */
export const NOBODY = 'NOBODY';
/** Before another node is tried, when one is not there. */
const RETRY_MS = 50;

export class RespClient {
  readonly #ports: () => readonly number[];
  readonly #keyspace: string;
  readonly #timeoutMs: number;
  #redis: Redis | null = null;
  #turn: number;
  port = 0;

  /** `ports`: of those that may be asked at the time. `first`: with which of them it begins. */
  constructor(ports: () => readonly number[], keyspace: string, timeoutMs: number, first: number) {
    this.#ports = ports;
    this.#keyspace = keyspace;
    this.#timeoutMs = timeoutMs;
    this.#turn = first;
  }

  async ask(command: string, ...args: readonly (string | number)[]): Promise<Reply> {
    let redis: Redis;
    try {
      redis = this.#redis ?? (await this.#connect());
    } catch (error) {
      this.moveOn();
      await sleep(RETRY_MS);
      return { outcome: 'refused', code: codeOf(error) };
    }
    try {
      return { outcome: 'ok', reply: await this.#within(redis.call(command, [...args])) };
    } catch (error) {
      const code = codeOf(error);
      this.moveOn();
      return { outcome: REFUSALS.has(code) ? 'refused' : 'unknown', code };
    }
  }

  /** The next command goes to another node. */
  moveOn(): void {
    this.#turn++;
    this.close();
  }

  close(): void {
    this.#redis?.disconnect();
    this.#redis = null;
  }

  async #connect(): Promise<Redis> {
    const ports = this.#ports();
    if (ports.length === 0) throw new Error(NOBODY);
    this.port = ports[this.#turn % ports.length]!;
    const redis = redisTo(this.port);
    this.#redis = redis;
    await this.#within(redis.call('KEYSPACE', ['USE', this.#keyspace]));
    return redis;
  }

  #within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('TIMEOUT')), this.#timeoutMs);
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

/** The first word of what a node says; of the connection's own errors a word for all. */
function codeOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const word = message.split(' ')[0]!;
  if (/^[A-Z]+$/.test(word)) return word === 'ERR' ? message.slice(0, 60) : word;
  return 'CONNECTION';
}
