/** The files of the worked examples of storage/FORMAT.md, made by the code as it is now. */
import { readFileSync } from 'node:fs';
import { LogWorld } from './log/log-world.ts';
import { ManifestWorld, tableOf } from './manifest/manifest-world.ts';

/** Bytes by name. */
export function exampleFiles(): ReadonlyMap<string, Buffer> {
  const log = new LogWorld({ arenaBytes: 256, sequence: 41 });
  log.put('key', 'sync', 'value');
  log.close();
  const manifest = new ManifestWorld();
  manifest.append({ options: '{}' });
  const number = manifest.writer.nextNumber();
  manifest.append({ logNumber: 1, lastSequence: 29, added: [tableOf(number, 0, 'a', 'z')] });
  manifest.close();
  return new Map([...log.files.nodes, ...manifest.files.nodes].map(([path, { now }]) => [path.slice('/db/'.length), now]));
}

/** The bytes of an example in FORMAT.md: lines `offset: hex  comment` under a heading `Example: name`. */
export function exampleOf(name: string): Buffer {
  const text = readFileSync('storage/FORMAT.md', 'utf8');
  const block = text.split(`Example: \`${name}\``)[1]?.split('```')[1] ?? '';
  const parts: Buffer[] = [];
  let length = 0;
  for (const line of block.trim().split('\n')) {
    const { at, hex, zeros } = /^ *(?<at>\d+): (?:(?<zeros>\d+) zeros|(?<hex>(?:[0-9a-f]{2} ?)+))/.exec(line)?.groups ?? {};
    if (Number(at) !== length) throw new Error(`${name}: expected offset ${length}, got ${line}`);
    const part = zeros === undefined ? Buffer.from((hex ?? '').replaceAll(' ', ''), 'hex') : Buffer.alloc(Number(zeros));
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}
