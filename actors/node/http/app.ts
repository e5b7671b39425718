/**
 * The admin HTTP interface of a node. It has no passwords: it is for the loopback interface or a network of its own. Bodies have to be
 * `application/json`, so that no page in a browser can send one unasked.
 */
import { Hono } from 'hono';
import type { Log } from '../../../runtime/doors.ts';
import { errorMessage } from '../../../runtime/errors.ts';
import type { Admin } from '../admin.ts';
import { healthRoutes } from './health.ts';
import { keyspaceRoutes } from './keyspace-routes.ts';
import { memberRoutes } from './member-routes.ts';
import { planRoutes } from './plan-routes.ts';
import { Problem } from './problems.ts';
import { repairRoutes } from './repair-routes.ts';
import { ringRoutes } from './ring-routes.ts';
import { transitionRoutes } from './transition-routes.ts';

export interface AppOptions {
  readonly admin: Admin;
  readonly log: Log;
  /** The text of `/metrics`. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
}

export function createApp({ admin, log, metrics }: AppOptions): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (error instanceof Problem) return context.json({ error: { code: error.code, message: error.message } }, error.status);
    log.error('http.failed', { method: context.req.method, path: context.req.path, error });
    return context.json({ error: { code: 'INTERNAL', message: errorMessage(error) } }, 500);
  });
  app.notFound((context) => {
    const known = app.routes.some(({ path, method }) => method !== 'ALL' && isOn(path, context.req.path));
    const problem = known
      ? new Problem('METHOD', `${context.req.path} does not know ${context.req.method}`)
      : new Problem('UNKNOWN_PATH', `nothing at ${context.req.path}`);
    return context.json({ error: { code: problem.code, message: problem.message } }, problem.status);
  });
  app.get('/metrics', async (context) => {
    const { type, text } = await metrics();
    return context.body(text, 200, { 'content-type': type });
  });
  healthRoutes(app, admin);
  ringRoutes(app, admin);
  keyspaceRoutes(app, admin);
  memberRoutes(app, admin);
  planRoutes(app, admin);
  repairRoutes(app, admin);
  transitionRoutes(app, admin);
  return app;
}

/** Whether a route with names in it, `/a/:name`, fits a path. */
function isOn(route: string, path: string): boolean {
  const want = route.split('/');
  const have = path.split('/');
  return want.length === have.length && want.every((part, i) => part === have[i] || part.startsWith(':'));
}
