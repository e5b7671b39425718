/** An HTTP server on the main thread, for people and scrapers: bounded in connections, headers and time. */
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

export interface HttpServer {
  readonly host: string;
  /** The port really bound. */
  readonly port: number;
  /** Takes no more requests; those under way have `withinMs` to end. */
  close(withinMs: number): Promise<void>;
}

const CONNECTIONS_MAX = 256;
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Errors: the text names host and port. */
export function openHttpServer({ host, port, fetch }: HttpServerOptions): Promise<HttpServer> {
  const listener = getRequestListener(fetch, { overrideGlobalObjects: false });
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void listener(request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'address in use' : error.message;
      reject(new Error(`cannot listen on ${host}:${port} for HTTP: ${reason}`, { cause: error }));
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ host, port: bound, close: (withinMs) => closeServer(server, withinMs) });
    });
  });
}

function closeServer(server: ReturnType<typeof createServer>, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), withinMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
