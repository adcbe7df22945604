// `npm run bench -- NAME…`: runs benchmarks; each prints its figures beside the peers', as ratios of one run.

/** One file a benchmark, each loaded only when it is asked for. */
const benchmarks: Readonly<Record<string, () => Promise<() => Promise<void>>>> = {
  trace: async () => (await import('./trace/trace.ts')).benchTrace,
  language: async () => (await import('./language.ts')).language,
  idle: async () => (await import('./idle.ts')).idle,
  activation: async () => (await import('./activation.ts')).activation,
  calibration: async () => (await import('./calibration.ts')).calibration,
  events: async () => (await import('./events.ts')).events,
  symbols: async () => (await import('./symbols.ts')).symbols,
  logpoint: async () => (await import('./logpoint.ts')).logpoint,
  flame: async () => (await import('./flame.ts')).flame,
  recording: async () => (await import('./recording/recording.ts')).recording,
  streaming: async () => (await import('./streaming.ts')).streaming,
};

async function main(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.filter((name) => !Object.hasOwn(benchmarks, name));
  if (unknown.length > 0) {
    process.stderr.write(
      `There is no benchmark ${unknown.join(', ')}; there are: ${Object.keys(benchmarks).join(', ')}\n`,
    );
    process.exitCode = 2;
    return;
  }
  for (const [name, load] of Object.entries(benchmarks)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`# ${name}`);
    await (
      await load()
    )();
  }
}

void main(process.argv.slice(2));
