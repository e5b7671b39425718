/** Repl: one line of `dynactor repl` after the other, over one client. */
import type { Client } from '../../client/client.ts';
import { ClientError } from '../../client/client-error.ts';
import { bytes } from '../../client/codecs.ts';
import { deleteKey, putKey, shownValue, siblingsNote, writtenText } from './key-operations.ts';
import { describe, type Values, valuesOf } from './store-session.ts';

export interface ReplAnswer {
  readonly text: string;
  /** What was asked for was done, or found. */
  readonly ok: boolean;
}

/** Of a scan: more is for the command. */
const KEYS_SHOWN = 100;

const HELP = `get KEY           its value; siblings newest first
put KEY VALUE     write it in the place of what is there
del KEY           delete it
scan [PREFIX]     keys that begin so, ${KEYS_SHOWN} at most
keyspace NAME     go on in that keyspace
keyspaces         list them
help, exit
Words with spaces are put in quotes: put 'a key' "a \\"value\\""`;

const COMMANDS = ['get', 'put', 'del', 'scan', 'keyspace', 'keyspaces', 'help', 'exit'] as const;

export class Repl {
  readonly #client: Pick<Client, 'keyspace' | 'keyspaces'>;
  #values: Values;
  isOver = false;

  constructor(client: Pick<Client, 'keyspace' | 'keyspaces'>, keyspace: string) {
    this.#client = client;
    this.#values = valuesOf(client, keyspace);
  }

  get keyspace(): string {
    return this.#values.name;
  }

  /** Rejects for nothing that can be typed or that a cluster answers. */
  async run(line: string): Promise<ReplAnswer> {
    const words = splitWords(line);
    if (words === null) return failed('a quote is not closed');
    const [command = '', ...rest] = words;
    try {
      return await this.#run(command.toLowerCase(), rest);
    } catch (error) {
      if (error instanceof ClientError) return failed(describe(error));
      throw error;
    }
  }

  async #run(command: string, words: readonly string[]): Promise<ReplAnswer> {
    const [first = '', second = ''] = words;
    switch (command) {
      case '':
        return done('');
      case 'get':
        return words.length === 1 ? this.#get(first) : expected('get KEY');
      case 'put':
      case 'set':
        if (words.length !== 2) return expected('put KEY VALUE');
        return done(writtenText(await putKey(this.#values, first, Buffer.from(second), {})));
      case 'del':
      case 'delete':
        return words.length === 1 ? this.#delete(first) : expected('del KEY');
      case 'scan':
        return words.length <= 1 ? this.#scan(first) : expected('scan [PREFIX]');
      case 'keyspace':
      case 'use':
        return words.length === 1 ? this.#use(first) : expected('keyspace NAME');
      case 'keyspaces':
        return done(this.#names().join('\n'));
      case 'help':
        return done(HELP);
      case 'exit':
      case 'quit':
        this.isOver = true;
        return done('');
      default:
        return failed(`no command ${command}; expected one of ${COMMANDS.join(', ')}`);
    }
  }

  async #get(key: string): Promise<ReplAnswer> {
    const { siblings } = await this.#values.getWithContext(key);
    if (siblings.length === 0) return failed('no such key');
    const lines = siblings.map(({ value }) => shownText(value));
    return done([...lines, ...(siblings.length > 1 ? [`(${siblingsNote(siblings.length)})`] : [])].join('\n'));
  }

  async #delete(key: string): Promise<ReplAnswer> {
    const written = await deleteKey(this.#values, key, {});
    return written === null ? failed('no such key') : done(writtenText(written));
  }

  async #scan(prefix: string): Promise<ReplAnswer> {
    const keys: string[] = [];
    for await (const { key } of this.#client
      .keyspace(this.keyspace, { key: bytes, value: bytes })
      .scan({ prefix, pageSize: KEYS_SHOWN + 1 })) {
      if (keys.length === KEYS_SHOWN) return done([...keys, '(and more)'].join('\n'));
      keys.push(shownText(key));
    }
    return done(keys.join('\n'));
  }

  #use(name: string): ReplAnswer {
    if (!this.#names().includes(name)) return failed(`no keyspace ${name}; there are ${this.#names().join(', ') || 'none'}`);
    this.#values = valuesOf(this.#client, name);
    return done('');
  }

  #names(): readonly string[] {
    return this.#client.keyspaces.list().map(({ name }) => name);
  }
}

/** Commands that begin so. */
export function completions(line: string): readonly string[] {
  return line.includes(' ') ? [] : COMMANDS.filter((command) => command.startsWith(line)).map((command) => `${command} `);
}

/** Words between spaces; quotes of both kinds hold them together, a backslash takes the next character as it is, but not in single quotes. Null: a quote is open. */
export function splitWords(line: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (char === '\\' && quote !== "'" && i + 1 < line.length) word = (word ?? '') + line[++i]!;
    else if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') return null;
  return word === null ? words : [...words, word];
}

function shownText(value: Uint8Array): string {
  const shown = shownValue(value);
  return shown.encoding === 'utf8' ? shown.value : `base64 ${shown.value}`;
}

function done(text: string): ReplAnswer {
  return { text, ok: true };
}

function failed(text: string): ReplAnswer {
  return { text, ok: false };
}

function expected(usage: string): ReplAnswer {
  return failed(`expected ${usage}`);
}
