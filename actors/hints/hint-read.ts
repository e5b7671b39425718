/** HintRead: the read of a key at a stand-in: all that it holds for whomever, merged. */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import type { ReplicaSink } from '../store/replica-call.ts';
import { type AnswerStatus, STORAGE_FAILED } from '../store/store-request.ts';
import { ANCESTOR, CONCURRENT, compare, merge, NO_ROOM } from '../version/merge.ts';
import { RecordView } from '../version/record-view.ts';

const BYTES = 256;
const BYTES_MAX = 32 * 1024 * 1024;

export class HintRead implements ReplicaSink {
  readonly #sink: ReplicaSink;
  readonly #token: number;
  readonly #merged = new RecordView();
  #left: number;
  #fault: { readonly status: AnswerStatus; readonly message: string } | undefined;

  /** `reads`: how many there will be, at least 1. `sink` is told once, when all have ended. */
  constructor(sink: ReplicaSink, token: number, reads: number) {
    this.#sink = sink;
    this.#token = token;
    this.#left = reads;
    this.#merged.clear();
  }

  found(_token: number, record: RecordView): void {
    if (record.entries > 0 && !this.#add(record)) this.#fault = { status: STORAGE_FAILED, message: 'what is held of the key is too long' };
    this.#end();
  }

  made(): void {}

  stored(): void {}

  failed(_token: number, status: AnswerStatus, message: string): void {
    this.#fault = { status, message };
    this.#end();
  }

  #add(record: RecordView): boolean {
    const order = compare(this.#merged, record);
    if (order !== ANCESTOR && order !== CONCURRENT) return true;
    const out = new OutBuffer(BYTES, BYTES_MAX);
    if (order === CONCURRENT) {
      if (merge(this.#merged, record, out) === NO_ROOM) return false;
    } else {
      const bytes = record.end - record.start;
      if (!out.ensure(bytes)) return false;
      copyBytes(record.bytes, record.start, record.end, out.bytes, 0);
      out.length = bytes;
    }
    this.#merged.open(out.bytes, 0, out.length);
    return true;
  }

  #end(): void {
    if (--this.#left > 0) return;
    if (this.#fault === undefined) this.#sink.found(this.#token, this.#merged);
    else this.#sink.failed(this.#token, this.#fault.status, this.#fault.message);
  }
}
