/** Rules about test titles: together they read as the specification. */
import { type Finding, findingAt, type Source } from './source.ts';

/** `onLinux`: what a test file calls `test`, or `test.skip` elsewhere. */
const TITLE = /(?<![.\w])(?:test|testProp|onLinux)(?:\.(?:serial|failing|skip|only))*(?:<[^>(]*>)?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs;

export interface Title {
  readonly offset: number;
  /** As written: of a template with what is filled in as `${...}`. */
  readonly text: string;
}

export function titlesOf({ code, uncommented }: Source): readonly Title[] {
  return [...uncommented.matchAll(TITLE)]
    .filter(({ index }) => code[index] !== ' ') // Inside a string the word is blank in `code`.
    .map((m) => ({ offset: m.index, text: m[2] as string }));
}

/** Whether the test of that title, in `source`, prints `printed`: what a template fills in must be a number, or be written in the same file. */
export function isPrintedAs(source: Source, { text }: Title, printed: string): boolean {
  const parts = text.replaceAll(/\\(['"`])/g, '$1').split(/\$\{[^}]*\}/);
  const found = new RegExp(`^${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('(.+)')}$`).exec(printed);
  return found?.slice(1).every((filled) => /^\d+$/.test(filled) || source.text.includes(filled)) ?? false;
}

/** Each title exists once in the whole project and says `subject: behaviour`. */
export function testTitles(sources: readonly Source[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const source of sources.filter(({ path }) => path.endsWith('.test.ts'))) {
    for (const { offset, text: title } of titlesOf(source)) {
      const first = seen.get(title);
      if (first !== undefined) findings.push(findingAt(source, offset, `title is also in ${first}: ${title}`));
      else seen.set(title, source.path);
      if (!/^\S.*: \S/s.test(title)) findings.push(findingAt(source, offset, `title must read 'subject: behaviour': ${title}`));
    }
    for (const m of source.code.matchAll(/\btest(?:\.\w+)*\.only\b/g))
      findings.push(findingAt(source, m.index, 'test.only hides the other tests'));
  }
  return findings;
}
