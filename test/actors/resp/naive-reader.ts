/** A deliberately simple reader of RESP commands: all bytes at once, strings and regular expressions. The oracle of the real one, and its peer in bench:resp. */

export interface NaiveResult {
  readonly commands: readonly (readonly string[])[];
  /** Whether the bytes end in something that is no command. */
  readonly isBroken: boolean;
}

export interface NaiveLimits {
  readonly argumentsMax: number;
  readonly bulkBytesMax: number;
}

export function readNaively(bytes: Buffer, limits: NaiveLimits): NaiveResult {
  const text = bytes.toString('latin1');
  const commands: string[][] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] !== '*') {
      const end = text.indexOf('\n', at);
      if (end < 0) return { commands, isBroken: text.length - at >= 65_536 };
      const words = splitLine(text.slice(at, end).replace(/\r$/, ''));
      if (words === null || words.length > limits.argumentsMax) return { commands, isBroken: true };
      if (words.length > 0) commands.push(words);
      at = end + 1;
      continue;
    }
    const head = headerAt(text, at);
    if (head === 'part') return { commands, isBroken: false };
    if (head === 'wrong' || head.value > limits.argumentsMax) return { commands, isBroken: true };
    at = head.end;
    const words: string[] = [];
    for (let i = 0; i < head.value; i++) {
      if (at === text.length) return { commands, isBroken: false };
      if (text[at] !== '$') return { commands, isBroken: true };
      const bulk = headerAt(text, at);
      if (bulk === 'part') return { commands, isBroken: false };
      if (bulk === 'wrong' || bulk.value < 0 || bulk.value > limits.bulkBytesMax) return { commands, isBroken: true };
      const end = bulk.end + bulk.value;
      if (text.length < end + 2) return { commands, isBroken: false };
      if (text.slice(end, end + 2) !== '\r\n') return { commands, isBroken: true };
      words.push(text.slice(bulk.end, end));
      at = end + 2;
    }
    if (words.length > 0) commands.push(words);
  }
  return { commands, isBroken: false };
}

function headerAt(text: string, at: number): { readonly value: number; readonly end: number } | 'part' | 'wrong' {
  const found = /^.(-?(?:0|[1-9]\d*))\r\n/s.exec(text.slice(at, at + 22));
  if (found !== null) return { value: Number(found[1]), end: at + found[0].length };
  const rest = text.slice(at, at + 22);
  return rest.length < 22 && /^.-?(?:(?:0|[1-9]\d*)\r?)?$/s.test(rest) ? 'part' : 'wrong';
}

/** As sdssplitargs of Redis; null: unbalanced quotes. */
function splitLine(line: string): string[] | null {
  const words: string[] = [];
  const isSpace = (char: string | undefined): boolean => char !== undefined && /[ \t\n\v\f\r]/.test(char);
  let i = 0;
  for (;;) {
    while (isSpace(line[i])) i++;
    if (i >= line.length) return words;
    let word = '';
    let quote = '';
    for (;;) {
      const char = line[i];
      if (quote === '') {
        if (char === undefined || isSpace(char)) break;
        if (char === '"' || char === "'") quote = char;
        else word += char;
        i++;
      } else if (char === undefined) {
        return null;
      } else if (char === quote) {
        i++;
        if (i < line.length && !isSpace(line[i])) return null;
        quote = '';
      } else if (quote === '"' && /^\\x[0-9a-fA-F]{2}/.test(line.slice(i, i + 4))) {
        word += String.fromCharCode(Number.parseInt(line.slice(i + 2, i + 4), 16));
        i += 4;
      } else if (quote === '"' && char === '\\' && i + 1 < line.length) {
        const next = line[i + 1]!;
        word += { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }[next] ?? next;
        i += 2;
      } else if (quote === "'" && line.slice(i, i + 2) === "\\'") {
        word += "'";
        i += 2;
      } else {
        word += char;
        i++;
      }
    }
    words.push(word);
  }
}
