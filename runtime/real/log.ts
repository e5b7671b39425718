/**
 * The log door, real: one JSON object per line, `{"level","time",...fields,"event"}`, written before the call returns, so that the
 * last words of a crash are there. Warnings and errors that repeat are limited per event name.
 */
import type { DestinationStream, Logger } from 'pino';
import { pino } from 'pino';
import type { Clock, Log, LogFields, LogLevel } from '../doors.ts';
import { RepeatLimiter } from './repeat-limiter.ts';

const STDERR = 2;
const REPEATS_PER_SECOND_MAX = 10;
const TELL_INTERVAL_MS = 1_000;

export interface LogOptions {
  readonly clock: Clock;
  /** Lines below it are dropped. Default info. */
  readonly level?: LogLevel | 'silent';
  /** On every line: node, shard, ... Keys `level`, `time` and `event` are taken. */
  readonly fields?: LogFields;
  /** A file descriptor, or something that takes lines. Default: stderr. */
  readonly destination?: 1 | 2 | DestinationStream;
  /** Lines per second of one event name, of warnings and errors. What is above is counted, and told in one line a second later. Default 10. */
  readonly repeatsPerSecondMax?: number;
}

/** A log of this thread. Give each thread one of its own. */
export function openLog(options: LogOptions): JsonLog {
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: { ...options.fields },
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":${options.clock.wall()}`,
      serializers: { error: pino.stdSerializers.err },
    },
    openDestination(options.destination ?? STDERR),
  );
  const limiter = new RepeatLimiter(options.repeatsPerSecondMax ?? REPEATS_PER_SECOND_MAX);
  return new JsonLog(logger, new RepeatGate(logger, limiter, options.clock));
}

export class JsonLog implements Log {
  readonly #logger: Logger;
  readonly #gate: RepeatGate;

  constructor(logger: Logger, gate: RepeatGate) {
    this.#logger = logger;
    this.#gate = gate;
  }

  debug(event: string, fields?: LogFields): void {
    this.#logger.debug(fields ?? {}, event);
  }

  info(event: string, fields?: LogFields): void {
    this.#logger.info(fields ?? {}, event);
  }

  warn(event: string, fields?: LogFields): void {
    if (this.#gate.admits(event)) this.#logger.warn(fields ?? {}, event);
  }

  error(event: string, fields?: LogFields): void {
    if (this.#gate.admits(event)) this.#logger.error(fields ?? {}, event);
  }

  child(fields: LogFields): JsonLog {
    return new JsonLog(this.#logger.child(fields), this.#gate);
  }

  /** Tells what has been suppressed so far. Call it before the thread ends. */
  flush(): void {
    this.#gate.tell();
  }
}

/** The limit that a log shares with its children. */
class RepeatGate {
  readonly #logger: Logger;
  readonly #limiter: RepeatLimiter;
  readonly #clock: Clock;
  /** Armed while something suppressed is untold. */
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger, limiter: RepeatLimiter, clock: Clock) {
    this.#logger = logger;
    this.#limiter = limiter;
    this.#clock = clock;
  }

  admits(event: string): boolean {
    if (this.#limiter.admit(event, this.#clock.now())) return true;
    this.#timer ??= setTimeout(() => this.tell(), TELL_INTERVAL_MS).unref();
    return false;
  }

  tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { event, count } of this.#limiter.takeSuppressed()) this.#logger.warn({ suppressed: count }, event);
  }
}

function openDestination(destination: 1 | 2 | DestinationStream): DestinationStream {
  if (typeof destination !== 'number') return destination;
  const stream = pino.destination({ dest: destination, sync: true });
  stream.on('error', dropLine);
  return stream;
}

/** A log that can't be written (full disk, closed pipe) must not take the node down, and there is nowhere to tell it. */
function dropLine(): void {}
