/** Health: is the process alive, does it take requests. */
import type { Hono } from 'hono';
import type { Admin } from '../admin.ts';
import { type Check, readinessNow } from './status.ts';

export function healthRoutes(app: Hono, admin: Admin): void {
  app.get('/livez', async (context) => {
    // That this runs shows that the main thread's loop turns.
    const { shards } = await admin.stats();
    const checks = shards.map((stats, shard) => ({
      name: `shard ${shard}`,
      ok: stats !== null,
      reason: stats === null ? 'no answer' : '',
    }));
    return answer(checks, context.req.query('verbose') !== undefined);
  });
  app.get('/readyz', async (context) => answer(await readinessNow(admin), context.req.query('verbose') !== undefined));
}

/** As other servers do: plain text, `ok` or one line for each check. */
function answer(checks: readonly Check[], isVerbose: boolean): Response {
  const failed = checks.filter(({ ok }) => !ok);
  const shown = isVerbose ? checks : failed;
  const lines = shown.map(({ name, ok, reason }) => `[${ok ? '+' : '-'}] ${name}${ok ? ' ok' : `: ${reason}`}`);
  const text = [...lines, failed.length === 0 ? 'ok' : `${failed.length} of ${checks.length} checks failed`].join('\n');
  return new Response(`${text}\n`, { status: failed.length === 0 ? 200 : 503, headers: { 'content-type': 'text/plain; charset=utf-8' } });
}
