/**
 * What can go wrong, as data: every request is answered with a value or with this.
 * `message` says what happened and to what; `remedy` is the next step of the person who reads it.
 * Nothing is ever matched on message text: `code` is the contract.
 */
export interface Problem {
  readonly code: ProblemCode;
  readonly message: string;
  readonly remedy?: string;
  /** Names of functions that can be traced instead, best first; a button can offer them. */
  readonly alternatives?: readonly string[];
}

export const problemCodes = [
  // symbols
  'function-not-found',
  'function-inlined-everywhere',
  'no-symbols',
  'no-debug-information',
  'not-an-elf-file',
  'malformed-file',
  'unsupported-file',
  'file-not-found',
  'binary-not-found',
  'binary-replaced',
  'line-without-code',
  'expression-unsupported',
  'variable-not-found',
  // engines
  'engine-missing',
  'engine-too-old',
  'engine-refused',
  'engine-ended',
  'no-privileges',
  'process-gone',
  'probe-refused',
  'budget-exceeded',
  // connection
  'target-unreachable',
  'target-disconnected',
  'version-mismatch',
  'method-unknown',
  'session-not-found',
  // everything else
  'invalid-argument',
  'file-unreadable',
  'file-unwritable',
  'cancelled',
  'internal',
] as const;

export type ProblemCode = (typeof problemCodes)[number];

/** The one exception type of Probescope's own code. */
export class ProbeError extends Error implements Problem {
  override readonly name = 'ProbeError';
  readonly code: ProblemCode;
  readonly remedy?: string;
  readonly alternatives?: readonly string[];

  constructor(problem: Problem, options?: { cause?: unknown }) {
    super(problem.message, options);
    this.code = problem.code;
    if (problem.remedy !== undefined) this.remedy = problem.remedy;
    if (problem.alternatives !== undefined) this.alternatives = problem.alternatives;
  }

  /** The plain data that travels between processes. */
  toProblem(): Problem {
    const { code, message, remedy, alternatives } = this;
    return {
      code,
      message,
      ...(remedy === undefined ? {} : { remedy }),
      ...(alternatives === undefined ? {} : { alternatives }),
    };
  }
}

/** Turns whatever was thrown into a {@link Problem}; unknown errors become `internal` with their message. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof ProbeError) return thrown.toProblem();
  return { code: 'internal', message: thrown instanceof Error ? thrown.message : String(thrown) };
}
