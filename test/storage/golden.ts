/** The files of the worked examples of storage/FORMAT.md, made by the code as it is now. */
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
