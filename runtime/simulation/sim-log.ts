/** The log door in a simulation: the last lines are kept for whoever reads a failing run. */
import type { Log, LogFields, LogLevel } from '../doors.ts';
import type { World } from './world.ts';

export interface LogLine {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

const LINES_MAX = 2000;

/** The lines of all nodes of a run. */
export class LogBook {
  readonly #world: World;
  #lines: LogLine[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** The last lines, oldest first. */
  get lines(): readonly LogLine[] {
    return this.#lines.slice(-LINES_MAX);
  }

  add(level: LogLevel, event: string, fields: LogFields): void {
    const line: LogLine = { atMs: this.#world.nowMs, level, event, fields };
    this.#lines.push(line);
    if (this.#lines.length > 2 * LINES_MAX) this.#lines = this.#lines.slice(-LINES_MAX);
  }
}

export class SimLog implements Log {
  readonly #book: LogBook;
  readonly #fields: LogFields;

  constructor(book: LogBook, fields: LogFields) {
    this.#book = book;
    this.#fields = fields;
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#book.add('debug', event, { ...this.#fields, ...fields });
  }

  info(event: string, fields: LogFields = {}): void {
    this.#book.add('info', event, { ...this.#fields, ...fields });
  }

  warn(event: string, fields: LogFields = {}): void {
    this.#book.add('warn', event, { ...this.#fields, ...fields });
  }

  error(event: string, fields: LogFields = {}): void {
    this.#book.add('error', event, { ...this.#fields, ...fields });
  }

  child(fields: LogFields): SimLog {
    return new SimLog(this.#book, { ...this.#fields, ...fields });
  }
}
