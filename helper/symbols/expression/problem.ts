import { ProbeError, type ProblemCode } from '../../../protocol/errors.ts';
import type { TextRange } from './ast.ts';

/** What is wrong with an expression, and where in its text. */
export class ExpressionError extends ProbeError {
  readonly range: TextRange;

  constructor(
    range: TextRange,
    message: string,
    remedy?: string,
    code: ProblemCode = 'expression-unsupported',
  ) {
    super(remedy === undefined ? { code, message } : { code, message, remedy });
    this.range = { start: range.start, end: Math.max(range.end, range.start) };
  }
}
