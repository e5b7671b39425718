/** Options of a bench's command line: `--help` lists them, and what is none ends the process with a line that says which there are. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Parsed<Config extends ParseArgsConfig> = ReturnType<typeof parseArgs<Config>>;

const USAGE_ERROR = 2;

/** As `parseArgs` of Node, but for `--help`, which prints `help` or the names, and for bad arguments: exit code 2. */
export function optionsOf<const Config extends ParseArgsConfig>(config: Config, help?: string): Parsed<Config> {
  const args = config.args ?? process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(help ?? namesOf(config));
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return usageError(`${error.message}\n${help ?? namesOf(config)}`);
  }
}

/** Ends the process with that line, and the exit code of bad arguments. */
export function usageError(message: string): never {
  console.error(message);
  process.exit(USAGE_ERROR);
}

function namesOf({ options = {} }: ParseArgsConfig): string {
  const names = Object.entries(options).map(([name, { type, default: value }]) => {
    const argument = type === 'string' ? ' VALUE' : '';
    return `  --${name}${argument}${value === undefined || value === false ? '' : ` (${String(value)})`}`;
  });
  return ['options, and what they are if not given:', ...names].join('\n');
}
