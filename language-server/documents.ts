import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Diagnostic } from './language/diagnostic.ts';
import { analyse, type Analysis } from './language/features/analysis.ts';
import { probeNames, type ProbeNames } from './language/features/probe-names.ts';
import type { KnownCatalog } from './language/known-catalog.ts';
import { LineIndex } from './language/lines.ts';
import { parse } from './language/syntax/parser.ts';
import { CheckMemory } from './language/check/memory.ts';
import { chooseVersion } from './language/check/choose-version.ts';
import { parseVersion, type Version } from './language/version.ts';
import type { TargetParams, VerdictParams } from './protocol.ts';

/** Larger documents are not read at all: no script has a megabyte, and typing must stay fluent. */
export const largestScriptBytes = 1_000_000;

/** The analyses of open documents, made at the first question after a change. */
export class Documents {
  private readonly analyses = new Map<string, { readonly version: number; readonly analysis: Analysis }>();
  private readonly memories = new Map<string, CheckMemory>();
  private readonly verdicts = new Map<string, VerdictParams>();
  private target: TargetParams = { unsafe: false };
  private catalog: KnownCatalog | undefined;
  /** Commands that the client has; code lenses name no others. */
  commands: readonly string[] = [];
  /** Attach point → what its code lens says instead of *Show attach count*. */
  readonly attachCounts = new Map<string, string>();
  private namesOfCatalog: ProbeNames | undefined;

  setTarget(target: TargetParams): void {
    this.target = target;
    this.analyses.clear();
  }

  setCatalog(catalog: KnownCatalog | undefined): void {
    this.catalog = catalog;
    this.namesOfCatalog = undefined;
    this.analyses.clear();
  }

  get names(): ProbeNames {
    return (this.namesOfCatalog ??= probeNames(this.catalog));
  }

  analysisOf(document: TextDocument): Analysis {
    const known = this.analyses.get(document.uri);
    if (known?.version === document.version) return known.analysis;
    const memory = this.memories.get(document.uri) ?? new CheckMemory();
    this.memories.set(document.uri, memory);
    const analysis = this.analyse(document.getText(), memory);
    this.analyses.set(document.uri, { version: document.version, analysis });
    return analysis;
  }

  /** Keeps what the target said of the document until it changes. */
  setVerdict(verdict: VerdictParams): void {
    this.verdicts.set(verdict.uri, verdict);
  }
  verdictOf(uri: string): VerdictParams | undefined {
    return this.verdicts.get(uri);
  }
  forgetVerdict(uri: string): void {
    this.verdicts.delete(uri);
  }
  close(uri: string): void {
    this.analyses.delete(uri);
    this.memories.delete(uri);
    this.verdicts.delete(uri);
  }

  private analyse(source: string, memory: CheckMemory): Analysis {
    if (source.length > largestScriptBytes) return tooLarge(source);
    const options = {
      version: this.versionFor(source),
      catalog: this.catalog,
      unsafe: this.target.unsafe,
    };
    return analyse(source, options, memory);
  }

  private versionFor(source: string): Version {
    const read = (text: string | undefined): Version | undefined =>
      text === undefined ? undefined : parseVersion(text);
    return chooseVersion(source, {
      option: read(this.target.chosenVersion),
      target: read(this.target.bpftraceVersion),
    });
  }
}

function tooLarge(source: string): Analysis {
  const diagnostic: Diagnostic = {
    code: 'file-too-large',
    severity: 'information',
    start: 0,
    end: 0,
    message: `This file has ${(source.length / 1e6).toFixed(1)} MB; scripts of more than 1 MB are not checked`,
    hint: 'Is it a script? Split it up, or choose another language for it.',
  };
  const parsed = { ...parse('', {}), diagnostics: [] };
  return {
    source: '',
    version: parsed.version,
    lines: new LineIndex(''),
    parsed,
    catalog: undefined,
    diagnostics: [diagnostic],
    structOf: () => undefined,
    typeText: () => undefined,
  };
}
