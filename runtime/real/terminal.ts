/** What people type, and what programs pipe in. */
import { createInterface } from 'node:readline';

/** All of the standard input. Errors: more than `bytesMax`. */
export async function readInput(bytesMax: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax) throw new Error(`standard input: expected at most ${bytesMax} bytes, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Resolves when whoever reads the standard output has room for more. */
export function writeOutput(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(bytes, () => resolve());
  });
}

export interface Prompt {
  /** Whether somebody sits there, who is to be prompted. */
  readonly isTerminal: boolean;
  /** Lines as they come, until the input ends or Ctrl-C; the next is asked for when the one before has been dealt with. */
  readonly lines: AsyncIterable<string>;
  say(text: string): void;
}

/** `complete`: the words that may take the place of the one begun last. */
export function openPrompt(prompt: () => string, complete: (line: string) => readonly string[]): Prompt {
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const completer = (line: string): [string[], string] => [[...complete(line)], line.split(' ').at(-1) ?? ''];
  const reader = createInterface({
    input: process.stdin,
    ...(isTerminal ? { output: process.stdout, completer } : {}),
    historySize: 1_000,
  });
  reader.once('SIGINT', () => reader.close());
  async function* lines(): AsyncGenerator<string> {
    const show = (): void => {
      if (!isTerminal) return;
      reader.setPrompt(prompt());
      reader.prompt();
    };
    show();
    for await (const line of reader) {
      yield line;
      show();
    }
  }
  return { isTerminal, lines: lines(), say: (text) => void process.stdout.write(text) };
}
