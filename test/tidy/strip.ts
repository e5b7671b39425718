/**
 * Blanks out comments and the insides of strings of a TypeScript file, keeping every offset and line, so that the tidy rules can be
 * regular expressions. Knows quotes, templates with nested `${}`, regular expressions, and both kinds of comment.
 */

export interface Stripped {
  /** Comments, and what is between quotes or slashes, are spaces. */
  readonly code: string;
  /** Only comments are spaces. */
  readonly uncommented: string;
}

/** After one of these a slash begins a regular expression; after any other word, a number or a closing bracket it divides. */
const WORDS_BEFORE_REGEX: ReadonlySet<string> = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'delete',
  'void',
  'throw',
  'new',
  'do',
  'else',
  'yield',
  'await',
]);

export function strip(text: string): Stripped {
  const code = text.split('');
  const uncommented = text.split('');
  /** Per template being read: how many braces are open in its current `${}`. */
  const templates: number[] = [];
  let at = 0;

  const blank = (chars: string[], from: number, to: number) => {
    for (let i = from; i < to; i++) if (chars[i] !== '\n') chars[i] = ' ';
  };
  const comment = (end: number) => {
    blank(code, at, end);
    blank(uncommented, at, end);
    at = end;
  };
  /** Reads template text from `at` to the closing backtick or the next `${`. */
  const templateText = () => {
    const from = at;
    while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) at += text[at] === '\\' ? 2 : 1;
    blank(code, from, Math.min(at, text.length));
    if (text[at] === '`') at++;
    else if (at < text.length) {
      templates.push(0);
      at += 2;
    }
  };

  while (at < text.length) {
    const char = text[at] as string;
    if (text.startsWith('//', at)) comment(endOf(text, '\n', at));
    else if (text.startsWith('/*', at)) comment(endOf(text, '*/', at + 2) + 2);
    else if (char === "'" || char === '"') {
      const end = closing(text, at, char);
      blank(code, at + 1, end);
      at = end + 1;
    } else if (char === '`') {
      at++;
      templateText();
    } else if (char === '/' && regexMayBegin(code, at)) {
      const end = closingSlash(text, at);
      blank(code, at + 1, end);
      at = end + 1;
    } else if (char === '{' && templates.length > 0) {
      templates[templates.length - 1]!++;
      at++;
    } else if (char === '}' && templates.length > 0) {
      at++;
      if (templates[templates.length - 1]!-- === 0) {
        templates.pop();
        templateText();
      }
    } else at++;
  }
  return { code: code.join(''), uncommented: uncommented.join('') };
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found;
}

function closing(text: string, open: number, quote: string): number {
  let i = open + 1;
  while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1;
  return Math.min(i, text.length);
}

function closingSlash(text: string, open: number): number {
  let inClass = false;
  let i = open + 1;
  for (; i < text.length && text[i] !== '\n'; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) break;
  }
  return Math.min(i, text.length);
}

function regexMayBegin(code: readonly string[], slash: number): boolean {
  let i = slash - 1;
  while (i >= 0 && /\s/.test(code[i] as string)) i--;
  if (i < 0) return true;
  if (!/[\w$]/.test(code[i] as string)) return !/[)\]}'"`/]/.test(code[i] as string);
  let word = '';
  for (; i >= 0 && /[\w$]/.test(code[i] as string); i--) word = code[i] + word;
  return WORDS_BEFORE_REGEX.has(word);
}
