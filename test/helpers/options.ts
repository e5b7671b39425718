/** Options of the command line of a bench or a chaos run: `--help` lists them, and what is none ends the process with a line that says which there are. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Parsed<Config extends ParseArgsConfig> = ReturnType<typeof parseArgs<Config>>;

const USAGE_ERROR = 2;
/** Options that name a file, or a directory, to be written at the end. */
const FILES = ['json', 'svg', 'html'];
const DIRECTORIES = ['out'];

/**
 * As `parseArgs` of Node, but for `--help`, which prints `help` or the names, and for bad arguments: exit code 2. That a file can't be written at the end is said now, before
 * the work of minutes, and not after it; a directory is made.
 */
export function optionsOf<const Config extends ParseArgsConfig>(config: Config, help?: string): Parsed<Config> {
  const args = config.args ?? process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(help ?? namesOf(config));
    process.exit(0);
  }
  try {
    const parsed = parseArgs(config);
    const values: Readonly<Record<string, unknown>> = parsed.values;
    for (const name of FILES) check(name, values[name], (path) => accessSync(existsSync(path) ? path : dirname(path), constants.W_OK));
    for (const name of DIRECTORIES) check(name, values[name], makeDirectory);
    return parsed;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return usageError(`${error.message}\n${help ?? namesOf(config)}`);
  }
}

function check(name: string, path: unknown, canBeWritten: (path: string) => void): void {
  if (typeof path === 'string') orUsageError(`--${name}: can't be written: `, () => canBeWritten(path));
}

function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true });
  accessSync(path, constants.W_OK);
}

/** Ends the process with that line, and the exit code of bad arguments. */
export function usageError(message: string): never {
  console.error(message);
  process.exit(USAGE_ERROR);
}

/** The value of `--name`. */
export function wholeNumber(name: string, text: string, least = 1, most = Number.MAX_SAFE_INTEGER): number {
  const value = numberIn(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most < Number.MAX_SAFE_INTEGER ? `${least} to ${most}` : `${least}`;
  return usageError(`--${name}: expected a whole number from ${range}, got ${shown(text)}`);
}

/** The same, with fractions. */
export function numberBetween(name: string, text: string, least: number, most = Number.MAX_VALUE): number {
  const value = numberIn(text);
  if (value >= least && value <= most) return value;
  const range = most < Number.MAX_VALUE ? `${least} to ${most}` : `a number from ${least}`;
  return usageError(`--${name}: expected ${range}, got ${shown(text)}`);
}

/** The word of `known` that `--name` says. */
export function oneOf<Word extends string>(name: string, text: string, known: readonly Word[]): Word {
  return known.find((word) => word === text) ?? usageError(`--${name}: expected one of ${known.join(', ')}, got ${shown(text)}`);
}

/** What `read` returns. What it throws is told as a usage error, in one line behind `prefix`. */
export function orUsageError<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return usageError(prefix + (error instanceof Error ? error.message : String(error)).replaceAll(/[\s\p{Cc}]+/gu, ' '));
  }
}

/** Of blanks NaN, too. */
function numberIn(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function shown(text: string): string {
  return text.trim() === '' ? JSON.stringify(text) : text;
}

function namesOf({ options = {} }: ParseArgsConfig): string {
  const names = Object.entries(options).map(([name, { type, default: value }]) => {
    const argument = type === 'string' ? ' VALUE' : '';
    return `  --${name}${argument}${value === undefined || value === false ? '' : ` (${String(value)})`}`;
  });
  return ['options, and what they are if not given:', ...names].join('\n');
}
