import { measures as knownMeasures, type Measure } from '../../protocol/probe.ts';
import type { StoredProbe } from '../core/probe.ts';

/** Probes that a workspace kept. What an earlier version, or a hand, wrote and is no probe is left out. */
export function readStored(value: unknown): StoredProbe[] {
  return Array.isArray(value) ? value.filter(isStored) : [];
}

function isStored(value: unknown): value is StoredProbe {
  if (!isRecord(value)) return false;
  const { key, binary, pid, subject, measures, place } = value;
  return (
    isText(key) &&
    isText(binary) &&
    (pid === undefined || Number.isInteger(pid)) &&
    Array.isArray(measures) &&
    measures.every((measure) => knownMeasures.includes(measure as Measure)) &&
    isSubject(subject) &&
    (place === undefined || (isRecord(place) && isText(place['file']) && Number.isInteger(place['line'])))
  );
}

function isSubject(value: unknown): boolean {
  if (!isRecord(value) || !Array.isArray(value['sites'])) return false;
  switch (value['kind']) {
    case 'function':
      return isText(value['function']) && Array.isArray(value['refused']);
    case 'kernel-function':
      return isText(value['function']) && isText(value['module']) && isText(value['attach']);
    case 'usdt':
      return isText(value['provider']) && isText(value['name']);
    default:
      return false;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
