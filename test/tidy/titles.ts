/** Rules about test titles: together they read as the specification. */
import { type Finding, findingAt, type Source } from './source.ts';

const TITLE = /(?<![.\w])(?:test|testProp)(?:\.(?:serial|failing|skip|only))*(?:<[^>(]*>)?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs;

/** Each title exists once in the whole project and says `subject: behaviour`. */
export function testTitles(sources: readonly Source[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const source of sources.filter(({ path }) => path.endsWith('.test.ts'))) {
    for (const m of source.uncommented.matchAll(TITLE)) {
      // Inside a string the word is blank in `code`.
      if (source.code[m.index] === ' ') continue;
      const title = m[2] as string;
      const first = seen.get(title);
      if (first !== undefined) findings.push(findingAt(source, m.index, `title is also in ${first}: ${title}`));
      else seen.set(title, source.path);
      if (!/^\S.*: \S/s.test(title)) findings.push(findingAt(source, m.index, `title must read 'subject: behaviour': ${title}`));
    }
    for (const m of source.code.matchAll(/\btest(?:\.\w+)*\.only\b/g))
      findings.push(findingAt(source, m.index, 'test.only hides the other tests'));
  }
  return findings;
}
