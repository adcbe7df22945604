import { NotificationType, RequestType0 } from 'vscode-languageserver/node';

/** What client and server say to each other beyond the language server protocol. */

/** What decides about errors: the target's release, the setting, whether scripts run with `--unsafe`. */
export interface TargetParams {
  /** As bpftrace prints it: `0.17.0`. Absent without target. */
  readonly bpftraceVersion?: string;
  /** The setting `probescope.bpftrace.version`; wins over the target. */
  readonly chosenVersion?: string;
  readonly unsafe: boolean;
}
export const targetNotification = new NotificationType<TargetParams>('probescope/target');

/** Asked by the server after the client said that the catalog changed: the file that holds it, or none. */
export const catalogRequest = new RequestType0<{ readonly file: string } | null, void>('probescope/catalog');
export const catalogChangedNotification = new NotificationType<Record<string, never>>(
  'probescope/catalogChanged',
);

/** How many probes an attach point matches on the target, as its code lens says it. */
export const attachCountNotification = new NotificationType<{
  readonly attachPoint: string;
  readonly title: string;
}>('probescope/attachCount');

/** The code of what the target's own bpftrace says. */
export const targetVerdict = 'target-verdict';

/** What the target's own bpftrace says of a document as it was saved. */
export interface VerdictParams {
  readonly uri: string;
  /** `bpftrace 0.17.0` */
  readonly source: string;
  readonly diagnostics: readonly VerdictDiagnostic[];
}
export interface VerdictDiagnostic {
  /** From 0, in UTF-16 units. */
  readonly line: number;
  readonly character: number;
  readonly endLine: number;
  readonly endCharacter: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string;
}
export const verdictNotification = new NotificationType<VerdictParams>('probescope/verdict');

/** First argument of the process that reads a catalog for the server; the file follows. */
export const catalogReaderArgument = '--read-catalog';
