/** What handlers have in common: reading a body, and finding a member by the name that a person gives. */
import type { Context } from 'hono';
import type { z } from 'zod';
import type { Member, RingState } from '../../ring/ring-state.ts';
import type { Admin, Snapshot } from '../admin.ts';
import { Problem } from './problems.ts';

const BODY_BYTES_MAX = 64 * 1024;

/** The body as `schema` has it; an empty one is `{}`. Errors: Problem, naming key and expectation. */
export async function bodyOf<T extends z.ZodType>(context: Context, schema: T): Promise<z.output<T>> {
  const text = await textOf(context.req.raw);
  const type = context.req.header('content-type') ?? '';
  if (text !== '' && !/^application\/json\b/i.test(type))
    throw new Problem('MEDIA_TYPE', `content-type: expected application/json, got ${type || 'none'}`);
  const checked = schema.safeParse(text === '' ? {} : parseJson(text));
  if (checked.success) return checked.data;
  const said = checked.error.issues.map(({ path, message }) => `${path.length === 0 ? 'body' : path.join('.')}: ${message}`);
  throw new Problem('INVALID_ARGUMENT', said.join('; '));
}

/** Errors: Problem when the node has no ring yet. */
export async function lookWithRing(admin: Admin): Promise<Snapshot & { readonly ring: RingState }> {
  const look = await admin.look();
  if (look.ring === null) throw new Problem('NO_RING', `node ${admin.self.name} has no ring yet`);
  return { ...look, ring: look.ring };
}

/** By name, or else by id. Errors: Problem, listing the names. */
export function memberOf(ring: RingState, nameOrId: string): Member {
  const found = ring.members.find(({ name }) => name === nameOrId) ?? ring.members.find(({ id }) => id === nameOrId);
  if (found !== undefined) return found;
  const names = ring.members.map(({ name }) => name).join(', ');
  throw new Problem('NOT_FOUND', `no member ${JSON.stringify(nameOrId)}; there are ${names}`);
}

/** Errors: Problem as soon as it is known to be too long. */
async function textOf(request: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done) return Buffer.concat(chunks).toString();
    length += read.value.length;
    if (length > BODY_BYTES_MAX) throw new Problem('TOO_LARGE', `body: expected at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(read.value);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Problem('INVALID_ARGUMENT', `body: expected JSON: ${error.message}`);
  }
}
