import type { Event, workspace } from 'vscode';
import { Governor, type Policy } from '../core/governor.ts';

/**
 * All settings with their types and defaults. `test/unit/settings.test.ts` holds that `package.json` says the same.
 */
export const settingDefaults = {
  'overlay.enabled': true as boolean,
  'overlay.updatesPerSecond': 4 as number,
  'codeLens.enabled': true as boolean,
  'binaries.folders': [] as readonly string[],
  sourceMap: {} as Readonly<Record<string, unknown>>,
  'helper.nodePath': '' as string,
  kernelSource: '' as string,
  'bpftrace.version': '' as string,
  'bpftrace.unsafe': false as boolean,
  'bpftrace.mapKeys': 0 as number,
  targets: [] as readonly unknown[],
  'recordings.recordTraces': true as boolean,
  'recordings.maxMegabytes': 500 as number,
  'recordings.keepDays': 30 as number,
  'recordings.keepMegabytes': 2000 as number,
  'budget.shareOfCore': 5 as number,
  'budget.minutes': 15 as number,
  'budget.targetShareOfCore': 5 as number,
  'budget.eventsPerSecond': 20_000 as number,
  'budget.mapMegabytes': 64 as number,
  'budget.policy': 'pause' as Policy,
} as const;

export type SettingName = keyof typeof settingDefaults;
export type SettingValue<Name extends SettingName> = (typeof settingDefaults)[Name];

/** Reads settings; takes `vscode.workspace` as an argument so that it can be tested without VS Code. */
export interface Settings {
  get<Name extends SettingName>(name: Name): SettingValue<Name>;
  /** Fires when any setting of Probescope's changed. */
  readonly onDidChange: Event<void>;
}

export function readSettings(
  from: Pick<typeof workspace, 'getConfiguration' | 'onDidChangeConfiguration'>,
): Settings {
  return {
    get: (name) => from.getConfiguration('probescope').get(name, settingDefaults[name]),
    onDidChange: (listener, thisArgs, disposables) =>
      from.onDidChangeConfiguration(
        (change) => {
          if (change.affectsConfiguration('probescope')) listener.call(thisArgs);
        },
        undefined,
        disposables,
      ),
  };
}

/** Holds probes to the budgets of the settings, read at each look. */
export function governorOf(settings: Settings): Governor {
  return new Governor(() => {
    const budgets = {
      sharePerProbe: settings.get('budget.shareOfCore') / 100,
      sharePerTarget: settings.get('budget.targetShareOfCore') / 100,
      eventsHz: settings.get('budget.eventsPerSecond'),
      mapBytes: settings.get('budget.mapMegabytes') * 1e6,
      durationMs: settings.get('budget.minutes') * 60_000,
    };
    return { budgets, policy: settings.get('budget.policy') };
  });
}
