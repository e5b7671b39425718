/** Where a RESP reply ends: simple strings, errors, numbers and bulk strings, all that GET, SET, WAIT, PING and INFO answer. */

const CR = 0x0d;
const MINUS = 0x2d;
const ZERO = 0x30;
const BULK = 0x24;

/** 0: it is not all there. Errors: bytes that are no such reply. */
export function endOfReply(bytes: Buffer, at: number, end: number): number {
  if (at >= end) return 0;
  const lineEnd = bytes.indexOf(CR, at);
  if (lineEnd < 0 || lineEnd + 2 > end) return 0;
  switch (bytes[at]) {
    case BULK: {
      const length = numberIn(bytes, at + 1);
      const all = length < 0 ? lineEnd + 2 : lineEnd + 2 + length + 2;
      return all > end ? 0 : all;
    }
    case 0x2b:
    case 0x2d:
    case 0x3a:
      return lineEnd + 2;
    default:
      throw new Error(`expected a RESP reply, got ${JSON.stringify(bytes.toString('latin1', at, Math.min(end, at + 40)))}`);
  }
}

/** The decimal number that begins at `at`. */
export function numberIn(bytes: Buffer, at: number): number {
  const isNegative = bytes[at] === MINUS;
  let number = 0;
  for (let i = isNegative ? at + 1 : at; ; i++) {
    const digit = bytes[i]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) break;
    number = number * 10 + digit;
  }
  return isNegative ? -number : number;
}
