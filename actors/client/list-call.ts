/** ListCall: a page of a scan, with the promise of its outcome. On its way it is a read like any other, of the partition in which the page begins. */
import { assert } from '../../runtime/errors.ts';
import type { ScanAnswer } from '../scan/scan-request.ts';
import type { ClientDesk } from './client-desk.ts';
import { ClientError } from './client-error.ts';
import { Operation, type OperationFields } from './operation.ts';

export interface ListFields<T> extends OperationFields {
  readonly signal?: AbortSignal | undefined;
  /** Makes the outcome of the answer; may throw a ClientError. */
  readonly read: (answer: ScanAnswer) => T;
}

/** Sends it on its way; one of the two is called, once, perhaps before this returns. */
export function startListing<T>(
  desk: ClientDesk,
  fields: ListFields<T>,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): void {
  const { signal } = fields;
  if (signal?.aborted === true)
    return reject(new ClientError('ABORTED', 'the operation was aborted before it began', { cause: signal.reason }));
  const call = new ListCall<T>(fields, resolve, reject);
  if (signal !== undefined) {
    const cancel = (): void => desk.cancel(call, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    call.unwatch = () => signal.removeEventListener('abort', cancel);
  }
  desk.submit(call);
}

class ListCall<T> extends Operation {
  readonly #read: (answer: ScanAnswer) => T;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  unwatch: () => void = () => {};

  constructor(fields: ListFields<T>, resolve: (value: T) => void, reject: (error: unknown) => void) {
    super(fields);
    this.#read = fields.read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  succeeded(): void {
    assert(false, 'list call: expected a page, found a record');
  }

  override listed(answer: ScanAnswer): void {
    this.unwatch();
    try {
      this.#resolve(this.#read(answer));
    } catch (error) {
      this.#reject(error);
    }
  }

  failed(error: ClientError): void {
    this.unwatch();
    this.#reject(error);
  }
}
