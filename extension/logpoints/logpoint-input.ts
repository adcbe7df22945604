/** The input of a logpoint: its text with completion and check while typing, and its options. */
import { l10n, QuickPickItemKind, ThemeIcon, window, type QuickPick, type QuickPickItem } from 'vscode';
import { asProblem } from '../../protocol/errors.ts';
import type { BinaryCandidate } from '../../protocol/helper.ts';
import type { ExpressionCompletion, LogpointCheck, LogpointPlace } from '../../protocol/logpoint.ts';
import type { HelperConnection } from '../core/connection.ts';
import { versionNote } from '../commands/binary-choice.ts';
import { asking } from '../platform/progress.ts';
import { describeOptions, optionItems, type LogpointOptions, type OptionKey } from './options.ts';

export interface LogpointText extends LogpointOptions {
  readonly template: string;
}

interface Item extends QuickPickItem {
  readonly accept?: true;
  readonly completion?: ExpressionCompletion;
  readonly option?: OptionKey;
}

/** Typing is answered after this pause; a check takes about a millisecond. */
const PAUSE_MS = 40;

/** Asks for text and options. Undefined when the user left. */
export function askForLogpoint(
  connection: HelperConnection,
  place: LogpointPlace & { readonly pid?: number },
  version: Pick<BinaryCandidate, 'stale' | 'mixed'>,
  start: LogpointText,
): Promise<LogpointText | undefined> {
  return asking(new LogpointInput(connection, place, version, start).show());
}

class LogpointInput {
  readonly #connection: HelperConnection;
  readonly #place: LogpointPlace & { readonly pid?: number };
  /** What is known of the source here; the helper sees the path in the binary only. */
  readonly #version: Pick<BinaryCandidate, 'stale' | 'mixed'>;
  readonly #pick: QuickPick<Item>;
  #options: LogpointOptions;
  #timer: NodeJS.Timeout | undefined;
  #turn = 0;
  #valid = false;

  constructor(
    connection: HelperConnection,
    place: LogpointPlace & { readonly pid?: number },
    version: Pick<BinaryCandidate, 'stale' | 'mixed'>,
    start: LogpointText,
  ) {
    const { template, ...options } = start;
    this.#connection = connection;
    this.#place = place;
    this.#version = version;
    this.#options = options;
    this.#pick = window.createQuickPick<Item>();
    this.#pick.value = template;
    this.#pick.title = l10n.t('Trace Logpoint at Line {0}', place.line);
    this.#pick.placeholder = l10n.t(
      'Text with {expressions} of variables in scope: id={req->id} flags={flags:x}',
    );
    this.#pick.ignoreFocusOut = true;
    this.#pick.matchOnDescription = false;
  }

  show(): Promise<LogpointText | undefined> {
    const pick = this.#pick;
    // The first call also makes the root-side process ready while the user types.
    void this.#connection.call('scopeAt', this.#place).then(
      ({ moved, place, stale, mixed }) => {
        if (moved)
          pick.title = l10n.t(
            'Trace Logpoint at Line {0} (line {1} has no code)',
            place.line,
            this.#place.line,
          );
        const note = versionNote({
          stale: stale || this.#version.stale,
          mixed: mixed || this.#version.mixed,
        });
        if (note !== undefined) pick.title = `${pick.title ?? ''} · ${note}`;
      },
      () => undefined,
    );
    return new Promise((resolve) => {
      pick.onDidChangeValue(() => {
        this.#later();
      });
      pick.onDidAccept(() => void this.#accept(resolve));
      pick.onDidHide(() => {
        // An option's own input hides the pick, too; it is shown again then.
        if (this.#asking) return;
        clearTimeout(this.#timer);
        pick.dispose();
        resolve(undefined);
      });
      void this.#update();
      pick.show();
    });
  }

  #asking = false;

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#update(), PAUSE_MS);
  }

  async #update(): Promise<void> {
    const turn = ++this.#turn;
    const template = this.#pick.value;
    const request = { ...this.#place, template, ...conditionOf(this.#options) };
    const ask = { ...this.#place, text: template, offset: template.length, field: 'template' as const };
    try {
      const [check, { items }] = await Promise.all([
        this.#connection.call('checkLogpoint', request),
        this.#connection.call('completeExpression', ask),
      ]);
      if (turn === this.#turn) this.#fill(template, check, items);
    } catch (error) {
      if (turn !== this.#turn) return;
      const { message, remedy } = asProblem(error);
      this.#pick.items = [problemItem(message, remedy)];
      this.#valid = false;
    }
  }

  #fill(template: string, check: LogpointCheck, completions: readonly ExpressionCompletion[]): void {
    const problem = check.problems[0];
    this.#valid = problem === undefined && template.trim() !== '';
    const head: Item =
      problem !== undefined
        ? problemItem(problem.message, problem.remedy)
        : template.trim() === ''
          ? { label: `$(info) ${l10n.t('Type a text; {0} begins an expression', '{')}`, alwaysShow: true }
          : {
              label: `$(debug-breakpoint-log) ${l10n.t('Add')}: ${template}`,
              description: sitesText(check),
              detail: describeOptions(this.#options),
              alwaysShow: true,
              accept: true,
            };
    const offered = completions.filter(({ label, from, to }) =>
      label.toLowerCase().startsWith(template.slice(from, to).toLowerCase()),
    );
    const names: Item[] =
      offered.length === 0
        ? []
        : [
            separator(l10n.t('In scope')),
            ...offered.slice(0, 50).map((completion): Item => ({
              label: `${icon(completion)} ${completion.label}`,
              description: completion.detail,
              alwaysShow: true,
              completion,
            })),
          ];
    this.#pick.items = [
      // What is being typed is unfinished rather than wrong: Enter then takes the first name.
      ...(problem !== undefined && names.length > 0 ? [...names, head] : [head, ...names]),
      separator(l10n.t('Options')),
      ...optionItems(this.#options).map(({ key, label, description }): Item => ({
        label,
        description,
        alwaysShow: true,
        option: key,
      })),
    ];
  }

  async #accept(resolve: (text: LogpointText | undefined) => void): Promise<void> {
    const [chosen] = this.#pick.selectedItems;
    if (chosen?.completion !== undefined) {
      const { from, to, label } = chosen.completion;
      this.#pick.value = `${this.#pick.value.slice(0, from)}${label}${this.#pick.value.slice(to)}`;
      this.#later();
    } else if (chosen?.option !== undefined) await this.#change(chosen.option);
    else if (chosen?.accept === true && this.#valid) {
      resolve({ ...this.#options, template: this.#pick.value });
      this.#pick.hide();
    }
  }

  async #change(key: OptionKey): Promise<void> {
    const item = optionItems(this.#options).find((option) => option.key === key);
    if (item === undefined) return;
    this.#asking = true;
    const value = await window.showInputBox({
      title: item.title,
      prompt: item.prompt,
      value: item.value,
      ignoreFocusOut: true,
      validateInput: async (text) =>
        item.problem(text) ?? (key === 'condition' ? await this.#conditionProblem(text) : undefined),
    });
    this.#asking = false;
    if (value !== undefined) this.#options = item.set(value);
    this.#pick.show();
    await this.#update();
  }

  async #conditionProblem(condition: string): Promise<string | undefined> {
    if (condition.trim() === '') return undefined;
    try {
      const { problems } = await this.#connection.call('checkLogpoint', {
        ...this.#place,
        template: '',
        condition,
      });
      const problem = problems.find(({ field }) => field === 'condition');
      return problem === undefined ? undefined : `${problem.message} ${problem.remedy ?? ''}`;
    } catch (error) {
      return asProblem(error).message;
    }
  }
}

function conditionOf({ condition }: LogpointOptions): { condition?: string } {
  return condition === undefined ? {} : { condition };
}

function problemItem(message: string, remedy: string | undefined): Item {
  return {
    label: `$(error) ${message}`,
    ...(remedy === undefined ? {} : { detail: remedy }),
    alwaysShow: true,
  };
}

function separator(label: string): Item {
  return { label, kind: QuickPickItemKind.Separator };
}

function sitesText({ sites, refused }: LogpointCheck): string {
  return l10n.t('{0} of {1} sites', sites.length, sites.length + refused.length);
}

function icon({ kind }: ExpressionCompletion): string {
  const name = { variable: 'symbol-variable', member: 'symbol-field', builtin: 'symbol-constant' }[kind];
  return `$(${new ThemeIcon(name).id})`;
}
