/** The worked examples of FORMAT.md, made by the code as it is now. */
import { ContextSeal } from '../../../actors/version/causal-context.ts';
import { actorOf, NOTHING, outBuffer, putBytes, taken, viewOf } from './records.ts';

/** Two siblings: a value that expires, and a tombstone. */
export function exampleRecord(): Buffer {
  const SECOND = 1_024_000;
  const put = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 3, stamp: 10 * SECOND, expiry: 20_000, value: 'hi' });
  return putBytes(put, NOTHING, { actor: actorOf('b'), counter: 300, stamp: 11 * SECOND + 1 });
}

/** Of that record, under the key 'k' of keyspace 7; the cluster key is 16 times 'K'. */
export function exampleContext(): Buffer {
  const out = outBuffer();
  new ContextSeal(Buffer.alloc(16, 'K')).seal(viewOf(exampleRecord()), 7, Buffer.from('k'), 0, 1, out);
  return taken(out);
}

/** The bytes of lines `offset: hex  comment` under `Example: name`, in hexadecimal. */
export function hexOfExample(text: string, name: string): string {
  const block = text.split(`Example: \`${name}\``)[1]?.split('```')[1] ?? '';
  let hex = '';
  for (const line of block.trim().split('\n')) {
    const [at = '', bytes = ''] = line.split(': ');
    if (Number(at) * 2 !== hex.length) throw new Error(`${name}: expected offset ${hex.length / 2}, got ${line}`);
    hex += bytes.slice(0, 48).replaceAll(' ', '');
  }
  return hex;
}
