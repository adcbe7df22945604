import { formatCount } from '../../protocol/format.ts';
import type { CallRecord, CallState } from '../../protocol/calls.ts';
import type { CallRange, CallsPicture, SlowCall, StateShare } from '../../protocol/latency.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { Frame } from '../../protocol/source.ts';
import { kindOf, ProfileBuilder } from '../../profile/builder.ts';
import type { CallRecorder } from './call-recorder.ts';
import { subsecondHeatmap } from './heatmap.ts';
import { stateFrames } from '../../profile/thread-states.ts';

const SLOWEST_SHOWN = 50;

const nsOf: Readonly<Record<CallState, (record: CallRecord) => number>> = {
  running: ({ runningNs }) => runningNs,
  runnable: ({ runnableNs }) => runnableNs,
  blocked: ({ blockedNs }) => blockedNs,
  io: ({ ioNs }) => ioNs,
};
const states = Object.keys(nsOf) as CallState[];
/** True where a call began in the range and took as long as it says. */
export function isIn({ fromNs, toNs, lowNs, highNs }: CallRange, call: CallRecord): boolean {
  return (
    call.startNs >= (fromNs ?? -Infinity) &&
    call.startNs < (toNs ?? Infinity) &&
    call.durationNs >= (lowNs ?? 0) &&
    call.durationNs < (highNs ?? Infinity)
  );
}

/** Calls that returned while they were recorded, to be shown: records travel more often than the engine's own counter. */
const allReturned = ({ returned, records }: CallRecorder): number => Math.max(returned, records.length);

/** What the panel shows of recorded calls: of those in `range`, but for the callees, which are counted for all calls. */
export function callsPicture(recorder: CallRecorder, range: CallRange | undefined): CallsPicture {
  const { records, started, state, problem, callees } = recorder;
  const chosen = range === undefined ? records : records.filter((record) => isIn(range, record));
  // by what was recorded, scaled to all that returned: not every call is recorded
  const recordedNs = records.reduce((sum, { durationNs }) => sum + durationNs, 0);
  const allNs = records.length === 0 ? 0 : (recordedNs * recorder.returned) / records.length;
  const shares = callees.map(({ callee, count, sumNs }) => {
    const { function: name = '?', place } = started?.callees[callee] ?? {};
    return {
      callee,
      function: name,
      calls: count,
      sumNs,
      share: allNs === 0 ? 0 : Math.min(1, sumNs / allNs),
      ...(place === undefined ? {} : { place }),
    };
  });
  const subsecond = subsecondHeatmap(
    records.map(({ startNs }) => startNs),
    recorder.wallClockOffsetMs,
  );
  return {
    state,
    ...(problem === undefined ? {} : { problem: [problem.message, problem.remedy].join(' ').trim() }),
    recorded: chosen.length,
    returned: allReturned(recorder),
    states: statesOf(chosen),
    parameters: started?.parameters ?? [],
    callees: shares,
    ownShare: Math.max(0, 1 - shares.reduce((sum, { share }) => sum + share, 0)),
    untraced: started?.untraced ?? [],
    indirectCalls: started?.indirectCalls ?? 0,
    slowest: [...chosen]
      .sort((a, b) => b.durationNs - a.durationNs)
      .slice(0, SLOWEST_SHOWN)
      .map((record) => slowCall(record, recorder)),
    ...(subsecond === undefined ? {} : { subsecond }),
  };
}

/** Shares of the time of calls in each state; those without any are left out. */
export function statesOf(records: readonly CallRecord[]): StateShare[] {
  const sums = states.map((state) => ({
    state,
    sumNs: records.reduce((sum, record) => sum + nsOf[state](record), 0),
  }));
  const total = sums.reduce((sum, { sumNs }) => sum + sumNs, 0);
  return sums
    .filter(({ sumNs }) => sumNs > 0)
    .map(({ state, sumNs }) => ({ state, sumNs, share: sumNs / total }));
}

function slowCall(record: CallRecord, recorder: CallRecorder): SlowCall {
  return {
    atMs: record.startNs / 1e6 + recorder.wallClockOffsetMs,
    durationNs: record.durationNs,
    thread: record.tid,
    arguments: record.arguments,
    ...(record.returned === undefined ? {} : { returned: record.returned }),
    states: statesOf([record]),
    stack: recorder.stackOf(record).map((frame) => ({
      text: frame.function,
      ...(frame.file === undefined || frame.line === undefined
        ? {}
        : { place: { file: frame.file, line: frame.line } }),
    })),
  };
}

/**
 * The recorded calls of a range as a profile of time: who called the function, and below it what its threads did. Samples carry
 * time and thread, so that the flame graph can be laid out by both.
 */
export function callsProfile(title: string, recorder: CallRecorder, range: CallRange | undefined): Profile {
  const builder = new ProfileBuilder(title, 'nanoseconds');
  const chosen = recorder.records.filter((record) => range === undefined || isIn(range, record));
  const originNs = chosen.reduce((least, { startNs }) => Math.min(least, startNs), Infinity);
  const frames = new Map<Frame, number>();
  const frameId = (frame: Frame): number => {
    let id = frames.get(frame);
    if (id === undefined) {
      const { function: name, module, file, line } = frame;
      id = builder.frame({ name, module, file, line, kind: kindOf(module, frame.inlined === true) });
      frames.set(frame, id);
    }
    return id;
  };
  const frameOf = new Map(states.map((state) => [state, builder.frame({ name: stateFrames[state] })]));
  for (const record of chosen) {
    const node = builder.stack(recorder.stackOf(record).map(frameId).reverse());
    const thread = builder.thread({ pid: record.pid, tid: record.tid, name: '' });
    for (const state of states) {
      const ns = nsOf[state](record);
      if (ns > 0)
        builder.sample(builder.trie.child(node, frameOf.get(state)!), ns, record.startNs - originNs, thread);
    }
  }
  builder.notes.push(
    `${formatCount(chosen.length)} of ${formatCount(allReturned(recorder))} calls that returned while they were recorded; widths are time in those calls.`,
  );
  return builder.build();
}
