/** A keyspace as commands use it, in memory: a put with the context of a read takes the place of what was there, one without becomes a sibling. */

import { ClientError } from '../../../../actors/client/client-error.ts';
import type { Context } from '../../../../actors/client/context-text.ts';
import type { Found } from '../../../../actors/client/found.ts';
import type { Values } from '../../../../actors/node/cli/store-session.ts';

const WRITTEN = { received: 2, needed: 2, primaries: 2 };

export class FakeValues {
  readonly name: string;
  readonly keys = new Map<string, Uint8Array[]>();
  /** Of writes, in order. */
  readonly options: unknown[] = [];
  isDown = false;

  constructor(name = 'default') {
    this.name = name;
  }

  get asValues(): Values {
    return this as unknown as Values;
  }

  getWithContext(key: string): Promise<Found<Uint8Array>> {
    if (this.isDown) return Promise.reject(new ClientError('QUORUM_NOT_MET', 'nobody is there'));
    const siblings = (this.keys.get(key) ?? []).map((value) => ({ value, writtenMs: 0, expiresMs: undefined }));
    const context = (siblings.length === 0 ? '' : `seen ${siblings.length}`) as Context;
    return Promise.resolve({ value: siblings[0]?.value, siblings, context } as Found<Uint8Array>);
  }

  async *scan({ prefix }: { readonly prefix: string }): AsyncGenerator<{ readonly key: Uint8Array }> {
    for (const key of this.keys.keys()) if (key.startsWith(prefix)) yield Promise.resolve({ key: Buffer.from(key) });
  }

  put(key: string, value: Uint8Array, options: { readonly context?: string }): Promise<typeof WRITTEN> {
    this.options.push(options);
    this.keys.set(key, [value, ...(options.context === '' ? (this.keys.get(key) ?? []) : [])]);
    return Promise.resolve(WRITTEN);
  }

  delete(key: string, options: unknown): Promise<typeof WRITTEN> {
    this.options.push(options);
    this.keys.delete(key);
    return Promise.resolve(WRITTEN);
  }
}
