/** Errors as HTTP gives them: `{"error": {"code", "message"}}` with a status that fits the code. */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { OperationOutcome } from '../../ring/operation.ts';

type FailureCode = Extract<OperationOutcome, { ok: false }>['code'];

export type ProblemCode = FailureCode | 'UNKNOWN_PATH' | 'METHOD' | 'TOO_LARGE' | 'MEDIA_TYPE' | 'NO_RING' | 'INTERNAL';

const STATUS: Readonly<Record<ProblemCode, ContentfulStatusCode>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  UNKNOWN_PATH: 404,
  METHOD: 405,
  EXISTS: 409,
  STALE: 409,
  NOT_ALLOWED: 409,
  TOO_LARGE: 413,
  MEDIA_TYPE: 415,
  INTERNAL: 500,
  NO_RING: 503,
  NO_MAJORITY: 503,
  NOT_A_MEMBER: 503,
  INDETERMINATE: 504,
};

/** Thrown by handlers; becomes the answer. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: ContentfulStatusCode;

  constructor(code: ProblemCode, message: string) {
    super(message);
    this.name = 'Problem';
    this.code = code;
    this.status = STATUS[code];
  }
}

/** Where it was done. Errors: Problem. */
export function settledAt(outcome: OperationOutcome): { readonly generation: number; readonly epoch: number } {
  if (!outcome.ok) throw new Problem(outcome.code, outcome.message);
  return { generation: outcome.version.generation, epoch: outcome.version.epoch };
}
