/** A file of the project as the tidy rules see it: its text without comments and strings, and what it imports. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { strip } from './strip.ts';

export interface ImportLink {
  /** As written: `./ref.ts`, `node:net`, `cbor-x`. */
  readonly specifier: string;
  /** Path from the project's root where `specifier` is relative, else undefined. */
  readonly path: string | undefined;
  /** Gone after compiling. */
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
  /** `export ... from`. */
  readonly reExport: boolean;
  readonly offset: number;
}

export interface Source {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly code: string;
  readonly uncommented: string;
  readonly imports: readonly ImportLink[];
}

export interface Finding {
  readonly path: string;
  /** 1-based; 0: the file as a whole. */
  readonly line: number;
  readonly message: string;
}

export const AREAS = ['actors', 'runtime', 'storage', 'test', 'bench'] as const;
/**
 * `embedded`: the part of storage that opens real doors, for programs without actors. `orchestration`: the part of actors that puts a node together
 * from the actors, and serves its operators: it runs once per process and outside of any simulation, in steps that wait for each other, so it
 * may wait. What it decides and what actors do is in pure files and actors beside it. So is the client: it is called by programs, which wait for
 * promises, and starts a system for itself; its actor runs in the simulation like any other.
 */
export type Area = (typeof AREAS)[number] | 'embedded' | 'orchestration' | 'top';

export function areaOf(path: string): Area {
  if (path.startsWith('storage/embedded/')) return 'embedded';
  if (path.startsWith('actors/node/') || path.startsWith('actors/client/')) return 'orchestration';
  return AREAS.find((area) => path.startsWith(`${area}/`)) ?? 'top';
}

/** Files that may touch the world: the real doors, the entry points, the embedded engine, the orchestration of a node, the client, tests and benches. */
export function isRealDoor(path: string): boolean {
  const area = areaOf(path);
  if (area === 'test' || area === 'bench' || area === 'embedded' || area === 'orchestration' || area === 'top') return true;
  // A word like any other: where a node listens.
  if (path === 'runtime/node-address.ts') return false;
  return /^runtime\/(?:(?:real|threads)\/|(?:system|worker|control|pool|node)(?:-[^/]*)?\.ts$)/.test(path);
}

export function sourceOf(path: string, text: string): Source {
  const { code, uncommented } = strip(text);
  return { path, text, code, uncommented, imports: importsOf(path, code, uncommented) };
}

/** All TypeScript files of the project at `root`. */
export function readProject(root: string): Source[] {
  const paths = readdirSync(root).filter((name) => name.endsWith('.ts'));
  for (const area of AREAS) if (existsSync(join(root, area))) collect(root, area, paths);
  return paths.sort().map((path) => sourceOf(path, readFileSync(join(root, path), 'utf8')));
}

export function findingAt(source: Source, offset: number, message: string): Finding {
  return { path: source.path, line: source.text.slice(0, offset).split('\n').length, message };
}

/** One finding per match of `pattern` (global) in the code of `source`. */
export function findingsOf(source: Source, pattern: RegExp, message: (matched: string) => string): Finding[] {
  return [...source.code.matchAll(pattern)].map((m) => {
    const lead = m[0].length - m[0].trimStart().length;
    return findingAt(source, m.index + lead, message(m[0].trim().replace(/\s+/g, ' ')));
  });
}

export function show(finding: Finding): string {
  return `${finding.path}${finding.line > 0 ? `:${finding.line}` : ''}: ${finding.message}`;
}

function collect(root: string, folder: string, paths: string[]): void {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) collect(root, path, paths);
    else if (entry.name.endsWith('.ts')) paths.push(path);
  }
}

function importsOf(path: string, code: string, uncommented: string): ImportLink[] {
  const links: ImportLink[] = [];
  const add = (m: RegExpMatchArray, word: string, specifier: string, typeOnly: boolean) => {
    const offset = m.index! + m[0].indexOf(word);
    // Inside a string or template the word is blank in `code`.
    if (!code.startsWith(word, offset)) return;
    const relative = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
    links.push({ specifier, path: relative, typeOnly, dynamic: m[0].includes('('), reExport: word === 'export', offset });
  };
  for (const m of uncommented.matchAll(/^[ \t]*(import|export)\s+(type\s+)?(?:[^'";=()]*?\bfrom\s+)?(['"])([^'"\n]+)\3/gm)) {
    add(m, m[1] as string, m[4] as string, m[2] !== undefined);
  }
  for (const m of uncommented.matchAll(/\bimport\(\s*(['"`])([^'"`\n]+)\1/g)) add(m, 'import', m[2] as string, false);
  return links;
}
