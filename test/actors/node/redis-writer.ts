/** Writes numbers that only grow to keys of its own, through one node after the other, and remembers what it was told: what a later read may find is known. */
import { Redis } from 'ioredis';

interface Written {
  /** The last that was acknowledged; 0: none. */
  acknowledged: number;
  /** The last that was sent. */
  sent: number;
}

const KEYS = 64;
const IN_FLIGHT = 16;

export function redisTo(port: number): Redis {
  const redis = new Redis({ host: '127.0.0.1', port, retryStrategy: () => null, maxRetriesPerRequest: 0, lazyConnect: true });
  // Commands say what went wrong.
  redis.on('error', () => undefined);
  return redis;
}

export class RedisWriter {
  readonly keys = new Map<string, Written>();
  acknowledged = 0;
  failed = 0;
  readonly #name: string;
  #ports: readonly number[];
  #isStopped = false;
  readonly #running: Promise<void>;

  /** Goes on to the next of `ports` when one fails. */
  constructor(name: string, ports: readonly number[]) {
    this.#name = name;
    this.#ports = ports;
    for (let i = 0; i < KEYS; i++) this.keys.set(`${this.#name}:${i}`, { acknowledged: 0, sent: 0 });
    this.#running = this.#run();
  }

  /** Resolves when nothing is in flight. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const [port, ...others] = this.#ports;
      const redis = redisTo(port!);
      const keys = [...this.keys.entries()];
      const lanes = Array.from({ length: IN_FLIGHT }, (_, lane) =>
        this.#writeTo(
          redis,
          keys.filter((_key, i) => i % IN_FLIGHT === lane),
        ),
      );
      await Promise.all(lanes);
      redis.disconnect();
      this.#ports = [...others, port!];
    }
  }

  /** One key after the other, until it is to stop or the node fails. */
  async #writeTo(redis: Redis, keys: readonly (readonly [string, Written])[]): Promise<void> {
    for (let i = 0; !this.#isStopped; i++) {
      const [key, written] = keys[i % keys.length]!;
      const value = ++written.sent;
      try {
        await redis.set(key, String(value));
        written.acknowledged = value;
        this.acknowledged++;
      } catch {
        this.failed++;
        return;
      }
    }
  }
}
