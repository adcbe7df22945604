/** A stretch of source: UTF-16 offsets from the start of the document, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Severity = 'error' | 'warning' | 'information' | 'hint';

export interface TextEdit extends Span {
  readonly newText: string;
}

/** A change that makes the diagnostic go away. */
export interface Fix {
  /** An imperative sentence: ``Replace `args.x` by `args->x` ``. */
  readonly title: string;
  readonly edits: readonly TextEdit[];
  /** The one fix that is right in nearly all cases; at most one a diagnostic. */
  readonly preferred?: boolean;
}

/** What is wrong, where. `code` is stable over releases and what tests, settings and suppressions refer to. */
export interface Diagnostic extends Span {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** The next step, as a sentence. */
  readonly hint?: string;
  readonly fixes?: readonly Fix[];
  readonly tags?: readonly ('unnecessary' | 'deprecated')[];
  readonly related?: readonly (Span & { readonly message: string })[];
}
