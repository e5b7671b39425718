/**
 * Where the modules of this package are, for those that are loaded by their URL: entries of threads, and what each thread loads.
 *
 * As source or compiled each is a file of its own. The package is shipped bundled (`bundle` in package.json): Node finds, reads and links every file by itself, of which the threads of a
 * node load hundreds each; bundled, a node's start takes two thirds of the CPU (`bench:start`). In the bundle only entries are files where they always are: what is loaded by URL, and what the package exports; what
 * these share, this code too, is in files of `chunks/shared`, which is as deep as this folder: so the way up is the same.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TOP = new URL('../../', import.meta.url);
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
/** Seen from the top of the source, of what is compiled, and of the bundle. */
const MANIFESTS = ['package.json', '../package.json', '../../package.json'];

/** `path`: from the top of the source, without extension, as `runtime/pool-worker`. In a bundle it must be one of its entries. */
export function moduleUrl(path: string): URL {
  return new URL(`${path}${EXTENSION}`, TOP);
}

/** As `moduleUrl`, for who starts it as a program. */
export function modulePath(path: string): string {
  return fileURLToPath(moduleUrl(path));
}

/** Of this package. */
export function packageVersion(): string {
  const manifest = MANIFESTS.map((path) => new URL(path, TOP)).find((url) => existsSync(url));
  if (manifest === undefined) return '0.0.0';
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version;
}
