/** One remark of a target's own bpftrace about a script. Places count from 0, characters in UTF-16 units. */
export interface VerdictRemark {
  readonly line: number;
  readonly character: number;
  readonly endLine: number;
  readonly endCharacter: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string;
}

/** What bpftrace itself says of a script, found out without attaching anything. */
export interface ScriptVerdict {
  /** `bpftrace 0.17.0`; empty when none could be asked, and then there are no remarks. */
  readonly source: string;
  readonly remarks: readonly VerdictRemark[];
  /** Why nothing could be asked, as a full sentence. */
  readonly silent?: string;
}
