/** The options of all commands that speak with a running node. */
import { type Command, Option } from 'commander';
import { call, type Method, type Target } from './client.ts';
import { FORMATS, type Format, render } from './output.ts';

interface TargetOptions {
  readonly host: string;
  readonly httpPort: string;
  readonly url?: string;
  readonly timeout: string;
  readonly output: Format;
}

/** A command's view of its node and its output. */
export interface Session {
  readonly format: Format;
  call<T>(method: Method, path: string, body?: unknown): Promise<T>;
  print<T>(value: T, table: (value: T) => string): void;
}

/** Exit codes: 0 done, 1 error, 2 usage. */
export const EXIT_DEGRADED = 3;

export function withTarget(command: Command): Command {
  return command
    .addOption(new Option('--host <host>', 'host of a node').default('127.0.0.1'))
    .addOption(new Option('--http-port <port>', 'port of its HTTP server').default('9700'))
    .addOption(new Option('--url <url>', 'both in one, as http://host:port').env('DYNACTOR_URL'))
    .addOption(new Option('--timeout <ms>', 'for the answer').default('20000'))
    .addOption(new Option('-o, --output <format>', 'how to print').choices([...FORMATS]).default('table'));
}

/** Requires: a command made by `withTarget`. Errors: a usage error of commander. */
export function sessionOf(command: Command): Session {
  const { host, httpPort, url, timeout, output } = command.opts<TargetOptions>();
  const timeoutMs = Number(timeout);
  if (!(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 3_600_000))
    command.error(`error: option '--timeout <ms>': expected a whole number from 1 to 3600000, got ${timeout}`);
  const target: Target = { url: urlOf(command, url ?? `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`), timeoutMs };
  return {
    format: output,
    call: (method, path, body) => call(target, method, path, body),
    print: (value, table) => void process.stdout.write(render(value, output, table)),
  };
}

function urlOf(command: Command, text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text).origin;
  return command.error(`error: expected http://host:port, got ${text}`);
}
