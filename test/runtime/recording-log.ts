/** A log that keeps its lines. */
import type { Log, LogFields, LogLevel } from '../../runtime/doors.ts';

export interface Line {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

export class RecordingLog implements Log {
  readonly lines: Line[];
  readonly #fields: LogFields;

  constructor(lines: Line[] = [], fields: LogFields = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  readonly debug = (event: string, fields?: LogFields): void => this.#add('debug', event, fields);
  readonly info = (event: string, fields?: LogFields): void => this.#add('info', event, fields);
  readonly warn = (event: string, fields?: LogFields): void => this.#add('warn', event, fields);
  readonly error = (event: string, fields?: LogFields): void => this.#add('error', event, fields);

  child(fields: LogFields): RecordingLog {
    return new RecordingLog(this.lines, { ...this.#fields, ...fields });
  }

  #add(level: LogLevel, event: string, fields: LogFields = {}): void {
    this.lines.push({ level, event, fields: { ...this.#fields, ...fields } });
  }
}
