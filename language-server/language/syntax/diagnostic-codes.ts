/** Every code of the lexer and the parser. They are stable, as the checker's are; `docs/diagnostics.md` explains them. */
export const syntaxCodes = [
  // tokens
  'invalid-character',
  'invalid-escape',
  'invalid-number',
  'unterminated-comment',
  'unterminated-string',
  // structure
  'expected-token',
  'unexpected-token',
  'trailing-comma',
  'space-after-colon',
  'invalid-operand',
  'invalid-target',
  'nesting-too-deep',
  'duplicate-name',
  'duplicate-config',
  'misplaced-definition',
  'unknown-type',
  // probes
  'no-probes',
  'no-attach-point',
  'unknown-probe-type',
  'attach-point-parts',
  'attach-point-argument',
  // the release
  'needs-newer-version',
  'removed',
] as const;
export type SyntaxCode = (typeof syntaxCodes)[number];
