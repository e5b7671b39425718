/** Call: an operation with the promise of its outcome, and the signal that may give it up. */

import type { ScanAnswer } from '../scan/scan-request.ts';
import type { StoreAnswer } from '../store/store-request.ts';
import type { ClientDesk } from './client-desk.ts';
import { ClientError } from './client-error.ts';
import { Operation, type OperationFields } from './operation.ts';

/** `A`: what answers it, ScanAnswer if and only if it has a `list`. */
export interface CallFields<T, A extends StoreAnswer | ScanAnswer = StoreAnswer> extends OperationFields {
  readonly signal?: AbortSignal | undefined;
  /** Makes the outcome of the answer; may throw a ClientError. One function for all calls of a kind. */
  readonly read: (answer: A, call: Operation) => T;
}

/** Sends it on its way; one of the two is called, once, perhaps before this returns. */
export function startCall<T, A extends StoreAnswer | ScanAnswer>(
  desk: ClientDesk,
  fields: CallFields<T, A>,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): void {
  const call = new Call<T, A>(fields, resolve, reject);
  if (fields.signal === undefined || call.watch(fields.signal, desk)) desk.submit(call);
}

class Call<T, A extends StoreAnswer | ScanAnswer> extends Operation {
  readonly #read: (answer: A, call: Operation) => T;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #unwatch: (() => void) | null = null;

  constructor(fields: CallFields<T, A>, resolve: (value: T) => void, reject: (error: unknown) => void) {
    super(fields);
    this.#read = fields.read;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Returns false, and the call has failed, when `signal` is aborted already. */
  watch(signal: AbortSignal, desk: ClientDesk): boolean {
    if (signal.aborted) {
      this.#reject(new ClientError('ABORTED', 'the operation was aborted before it began', { cause: signal.reason }));
      return false;
    }
    const cancel = (): void => desk.cancel(this, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    this.#unwatch = () => signal.removeEventListener('abort', cancel);
    return true;
  }

  succeeded(answer: StoreAnswer | ScanAnswer): void {
    this.#unwatch?.();
    try {
      this.#resolve(this.#read(answer as A, this));
    } catch (error) {
      this.#reject(error);
    }
  }

  failed(error: ClientError): void {
    this.#unwatch?.();
    this.#reject(error);
  }
}
