/** The options of KEYSPACE CREATE and ALTER. Whether their values make a sound keyspace is for the ring to say. */
import type { KeyspaceSettings } from '../ring/keyspace-defaults.ts';
import type { ReplicaCount } from '../ring/ring-state.ts';
import { integerAt, wordAt } from './command-arguments.ts';
import type { RespReader } from './resp-reader.ts';

/** The pairs from argument `first` on; or what is wrong with them. */
export function keyspaceOptions(reader: RespReader, first: number): KeyspaceSettings | string {
  let options: KeyspaceSettings = {};
  for (let i = first; i < reader.count; i += 2) {
    const word = wordAt(reader, i).slice(0, 16);
    if (i + 1 === reader.count) return `expected a value after ${word}`;
    const option = optionOf(reader, word, i + 1);
    if (typeof option === 'string') return option;
    options = { ...options, ...option };
  }
  return options;
}

function optionOf(reader: RespReader, word: string, i: number): KeyspaceSettings | string {
  const text = reader.text(i).toLowerCase();
  const number = integerAt(reader, i);
  const isNumber = number >= 0;
  const wrong = (expected: string): string => `${word}: expected ${expected}, got ${JSON.stringify(text.slice(0, 32))}`;
  switch (word) {
    case 'N':
      return isNumber ? { n: number } : wrong('a number');
    case 'R':
    case 'W': {
      const count = replicaCount(text, number);
      if (count === undefined) return wrong('a number, one, quorum or all');
      return word === 'R' ? { r: count } : { w: count };
    }
    case 'PR':
    case 'PW': {
      const count = number === 0 ? 0 : replicaCount(text, number);
      if (count === undefined) return wrong('a number, one, quorum or all');
      return word === 'PR' ? { pr: count } : { pw: count };
    }
    case 'MODE':
      return text === 'ap' || text === 'cp' ? { mode: text } : wrong('ap or cp');
    case 'CONFLICT':
      return text === 'siblings' || text === 'lww' ? { conflict: text } : wrong('siblings or lww');
    case 'DURABILITY':
      return text === 'sync' || text === 'periodic' || text === 'none' ? { durability: text } : wrong('sync, periodic or none');
    case 'TTL':
      return isNumber ? { ttlMs: number } : wrong('milliseconds');
    case 'KEYBYTES':
      return isNumber ? { keyBytesMax: number } : wrong('a number');
    case 'VALUEBYTES':
      return isNumber ? { valueBytesMax: number } : wrong('a number');
    default:
      return `expected N, R, W, PR, PW, MODE, CONFLICT, DURABILITY, TTL, KEYBYTES or VALUEBYTES, got ${word}`;
  }
}

function replicaCount(text: string, number: number): ReplicaCount | undefined {
  if (text === 'one' || text === 'quorum' || text === 'all') return text;
  return number >= 1 ? number : undefined;
}
