/** The commands' way to the HTTP interface of a node. */
import { errorMessage } from '../../../runtime/errors.ts';

export interface Target {
  readonly url: string;
  readonly timeoutMs: number;
}

/** What a node answered with, or that none did; `code` as in http/problems.ts, or UNREACHABLE: nothing was done. */
export class ClientError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClientError';
    this.code = code;
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Errors: ClientError. */
export async function call<T>({ url, timeoutMs }: Target, method: Method, path: string, body?: unknown): Promise<T> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(new URL(path, url), {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    text = await response.text();
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      throw new ClientError(
        'INDETERMINATE',
        `${url} did not answer within ${timeoutMs} ms: what was asked may still be done; --timeout waits longer`,
        { cause: error },
      );
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new ClientError(
      'UNREACHABLE',
      `no node answers at ${url}: ${errorMessage(cause)}; give --host and --http-port, or --url, of one that runs`,
      {
        cause: error,
      },
    );
  }
  const value = parse(text);
  if (response.ok && value !== undefined) return value as T;
  const { code, message } = (value as { error?: { code?: unknown; message?: unknown } } | undefined)?.error ?? {};
  if (typeof code === 'string' && typeof message === 'string') throw new ClientError(code, message);
  throw new ClientError('INTERNAL', `${url}${path}: expected an answer of a node, got status ${response.status}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
