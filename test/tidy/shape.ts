/** Rules about what a file looks like. */
import { type Finding, findingAt, findingsOf, isRealDoor, type Source } from './source.ts';

/** A caught error is handled, logged or turned into a value (`.catch(() => undefined)` says so); a comment in an empty block doesn't count. */
export function noEmptyCatch(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => [
    ...findingsOf(source, /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/g, () => 'empty catch'),
    ...findingsOf(source, /\.\s*catch\(\s*(?:\(\w*\)|\w+)\s*=>\s*\{\s*\}\s*\)/g, () => 'empty catch'),
  ]);
}

const MUTABLE_STATIC = /^[ \t]+(?:(?:public|private|protected) )?static (?!readonly |async |get |set )(?:accessor )?#?\w+\s*[=:;!?]/gm;

/**
 * What the simulator runs keeps no state outside actors: two runs in one process, or two nodes in one simulation, would share it.
 * Covers `let`, `var` and mutable static fields; collections and plain objects unless their declared type is read-only.
 */
export function noTopLevelState(sources: readonly Source[]): Finding[] {
  const readonlyTypes = new Set(sources.flatMap(readonlyTypesOf));
  return sources
    .filter((source) => !isRealDoor(source.path))
    .flatMap((source) => [
      ...findingsOf(source, /^(?:export )?(?:let|var) [\w$]+/gm, (found) => `top-level ${found}`),
      ...findingsOf(source, MUTABLE_STATIC, (found) => `mutable ${found.replace(/\s*[=:;!?]$/, '')}`),
      ...mutableConstants(source, readonlyTypes),
    ]);
}

function mutableConstants(source: Source, readonlyTypes: ReadonlySet<string>): Finding[] {
  const findings: Finding[] = [];
  for (const m of source.code.matchAll(
    /^(?:export )?const ([\w$]+)(\s*:[^=]*(?:=>[^=]*)*)?\s*=\s*(?=(new (?:Weak)?(?:Map|Set|Array)\b|\[|\{))/gm,
  )) {
    const [start, name, type = '', init] = m;
    if (/\b[Rr]eadonly/.test(type) || readonlyTypes.has(type.replace(/^\s*:\s*/, '').trim())) continue;
    if (/^\s*as const\b/.test(source.code.slice(endOfValue(source.code, m.index + start.length)))) continue;
    const kind = init === '[' ? 'array' : init === '{' ? 'object' : init;
    findings.push(findingAt(source, m.index, `top-level ${kind} ${name}: declare it read-only (type Readonly..., or \`as const\`)`));
  }
  return findings;
}

/** Names of the types whose own members all are `readonly` or methods. */
function readonlyTypesOf({ code }: Source): string[] {
  const names: string[] = [];
  for (const m of code.matchAll(/^(?:export )?(?:interface (\w+)[^{]*|type (\w+) = )(?=\{)/gm)) {
    const start = m.index + m[0].length;
    let body = code.slice(start + 1, endOfValue(code, start) - 1);
    while (/\{[^{}]*\}/.test(body)) body = body.replace(/\{[^{}]*\}/g, '');
    const members = body.split(';').map((member) => member.trim());
    if (members.every((member) => /^$|^readonly\b|^\w+\??\s*(?:<.*>)?\(/s.test(member))) names.push((m[1] ?? m[2]) as string);
  }
  for (const m of code.matchAll(/^(?:export )?type (\w+) = (?:readonly|Readonly)\b/gm)) names.push(m[1] as string);
  return names;
}

/** Offset behind the first balanced bracket group at or after `from`. */
function endOfValue(code: string, from: number): number {
  let depth = 0;
  for (let i = from; i < code.length; i++) {
    const char = code[i] as string;
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth === 0) return i + 1;
  }
  return code.length;
}

/** Named exports, unions instead of enums, `unknown` instead of `any`, no silenced compiler. */
export function noBannedSyntax(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => [
    ...findingsOf(source, /\bexport\s+default\b/g, () => 'default export'),
    ...findingsOf(source, /^[ \t]*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w+/gm, (found) => found),
    ...findingsOf(source, /^[ \t]*(?:export\s+)?(?:declare\s+)?namespace\s+\w+/gm, (found) => found),
    ...findingsOf(source, /(?<![.#\w$])any(?![\w$]|\s*(?:\(|\??:))/g, () => 'type any'),
    ...commentsWith(source, /@ts-(?:ignore|nocheck)\b/g),
    ...commentsWith(source, /\b(?:TODO|FIXME|XXX)\b/g),
  ]);
}

function commentsWith(source: Source, pattern: RegExp): Finding[] {
  return [...source.text.matchAll(pattern)]
    .filter((m) => source.uncommented[m.index] === ' ')
    .map((m) => findingAt(source, m.index, `comment with ${m[0]}`));
}

export function noLongFiles(sources: readonly Source[], linesMax: number): Finding[] {
  return sources
    .filter(({ path }) => /^(?:actors|runtime|storage)\//.test(path))
    .map(({ path, text }) => ({ path, line: 0, lines: text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, line, lines }) => ({ path, line, message: `${lines} lines, expected at most ${linesMax}` }));
}

/** Names of a folder's entries that its whitelist doesn't have. Hidden ones belong to tools. */
export function strangers(names: readonly string[], whitelist: readonly string[]): string[] {
  return names.filter((name) => !name.startsWith('.') && !whitelist.includes(name));
}
